"""The Fréchet distance between two sets of features (Dowson and Landau 1982; Heusel et al. 2017).

Computed in float64 from QR factors of the centred features: with Σ = RᵀR for each set, the
trace of (Σ₁Σ₂)^½ is the sum of the singular values of R₁R₂ᵀ. No matrix square root is taken,
so dead features and fewer rows than features cost no accuracy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganflow.base.errors import DataError
from ganflow.features.blas import one_thread


@dataclass(frozen=True)
class Moments:
    """Mean (d,) and a factor R of the covariance Σ = RᵀR, (min(n, d), d), both float64."""

    mean: np.ndarray
    factor: np.ndarray

    @property
    def variance(self) -> float:
        """The trace of the covariance."""
        return float(np.sum(self.factor**2))


def moments(features: np.ndarray) -> Moments:
    """Mean and covariance factor of features (n, d), with the unbiased 1/(n − 1).

    The factor is taken block by block and then from the blocks' factors, which stay in the
    processor's cache.

    Raises:
        DataError: for fewer than two rows, or a value that is not finite.
    """
    if features.ndim != 2 or len(features) < 2:
        raise DataError(
            f"features of shape {features.shape} have no covariance",
            expected="at least 2 rows of features",
        )
    mean = features.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise DataError("a feature is not finite", expected="finite features")
    count, size = features.shape
    step = 8 * size
    with one_thread():
        factors = [
            np.linalg.qr(features[start : start + step] - mean, mode="r")
            for start in range(0, count, step)
        ]
        factor = factors[0] if len(factors) == 1 else np.linalg.qr(np.vstack(factors), mode="r")
    return Moments(mean, factor / np.sqrt(count - 1))


def distance(a: Moments, b: Moments) -> float:
    """‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2·tr (Σ₁Σ₂)^½, never below 0."""
    shift = float(np.sum((a.mean - b.mean) ** 2))
    with one_thread():
        overlap = float(np.linalg.svd(a.factor @ b.factor.T, compute_uv=False).sum())
    return max(0.0, shift + a.variance + b.variance - 2.0 * overlap)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The Fréchet distance between features (n, d) and (m, d)."""
    return distance(moments(a), moments(b))


@dataclass(frozen=True)
class Baseline:
    """What real images reach: the distance of random train subsets to the test split."""

    mean: float
    spread: float
    """Standard deviation over the subsets."""

    draws: tuple[float, ...]


def baseline(
    train: np.ndarray, test: np.ndarray, size: int, draws: int, rng: np.random.Generator
) -> Baseline:
    """Distances of `draws` random train subsets, of `size` rows each, to the test split.

    Subsets are drawn at random because files are often sorted: MNIST's first 10,000 training
    images stand 1.5 times farther from its test split than random ones.

    Raises:
        DataError: if there are fewer than `size` rows.
    """
    if size > len(train):
        raise DataError(
            f"a baseline for {size} samples needs as many training images; there are {len(train)}"
        )
    reference = moments(test)
    values = []
    for _ in range(draws):
        rows = np.sort(rng.choice(len(train), size, replace=False))
        values.append(distance(moments(train[rows]), reference))
    return Baseline(float(np.mean(values)), float(np.std(values, ddof=1)), tuple(values))


def bootstrap(
    generated: np.ndarray,
    reference: Moments,
    resamples: int,
    rng: np.random.Generator,
    advance: Callable[[], object] = lambda: None,
) -> np.ndarray:
    """Distances (resamples,) of resampled `generated` to a fixed reference.

    The test split is held fixed, since every model is compared with the same one.

    Args:
        advance: called after each resample.
    """
    count, _ = generated.shape
    centre = generated.mean(axis=0, dtype=np.float64)
    rows = generated - centre
    shift = centre - reference.mean
    values = np.empty(resamples)
    with one_thread():
        for index in range(resamples):
            weights = rng.multinomial(count, np.full(count, 1.0 / count)).astype(np.float64)
            mean = weights @ rows / count
            covariance = (rows.T * weights) @ rows / count - np.outer(mean, mean)
            between = reference.factor @ covariance @ reference.factor.T
            roots = np.sqrt(np.clip(np.linalg.eigvalsh(between), 0.0, None))
            values[index] = (
                np.sum((shift + mean) ** 2)
                + np.trace(covariance)
                + reference.variance
                - 2.0 * roots.sum()
            )
            advance()
    return values
