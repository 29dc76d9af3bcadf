"""FD∞: the Fréchet distance that infinitely many samples would have (Chong and Forsyth 2020).

The distance's bias falls as 1/N, and at a rate that depends on the model, so distances at one
N do not rank models fairly. The intercept of a line through distances over 1/N does. Samples
and test images are both thinned out to N, so that the intercept is free of either's bias and
is about 0 for a perfect generator.
"""

from dataclasses import dataclass

import numpy as np

from ganflow.base.errors import DataError
from ganflow.features.blas import one_thread

PIECES = 20
SIZES = tuple(range(2, PIECES + 1, 2))  # in pieces: ten sizes, the smallest a tenth of all
ROTATIONS = 4
LIFT = 1e-12  # of the mean variance


@dataclass(frozen=True)
class Extrapolation:
    """A line through Fréchet distances over 1/N."""

    sizes: tuple[int, ...]
    distances: tuple[float, ...]
    intercept: float
    """The distance at infinitely many samples; noise can put it slightly below 0."""

    slope: float
    error: float | None
    """Standard error of the intercept, by a jackknife over pieces, where it was asked for."""

    def at(self, size: int) -> float:
        """The line's distance at `size` samples."""
        return self.intercept + self.slope / size


def extrapolate(
    generated: np.ndarray,
    test: np.ndarray,
    rng: np.random.Generator,
    *,
    with_error: bool = True,
) -> Extrapolation:
    """Fit the line to features (n, d) and (m, d), at ten sizes up to min(n, m).

    Both are cut into 20 random pieces, whose sums and products make up any union of them, so
    that leaving out a piece costs little. A distance at one size is a mean over four unions.

    Raises:
        DataError: if a tenth of the rows is not more than the number of features.
    """
    rows = min(len(generated), len(test)) // PIECES
    features = generated.shape[1]
    if SIZES[0] * rows <= features:
        raise DataError(
            f"{min(len(generated), len(test))} images are too few to extrapolate from",
            expected=f"more than {PIECES // SIZES[0] * features} with {features} features",
        )
    centre = test.mean(axis=0, dtype=np.float64)
    ours = _Pieces.cut(generated, centre, rows, rng)
    theirs = _Pieces.cut(test, centre, rows, rng)

    with one_thread():
        values = _distances(ours, theirs, list(range(PIECES)), SIZES)
        intercept, slope = _line(rows * np.array(SIZES), values)
        error = _jackknife(ours, theirs) if with_error else None
    return Extrapolation(
        tuple(rows * size for size in SIZES), tuple(values), intercept, slope, error
    )


@dataclass(frozen=True)
class _Pieces:
    rows: int
    sums: np.ndarray  # (pieces, d)
    products: np.ndarray  # (pieces, d, d)

    @staticmethod
    def cut(
        features: np.ndarray, centre: np.ndarray, rows: int, rng: np.random.Generator
    ) -> "_Pieces":
        order = rng.permutation(len(features))[: rows * PIECES].reshape(PIECES, rows)
        size = features.shape[1]
        sums, products = np.empty((PIECES, size)), np.empty((PIECES, size, size))
        with one_thread():
            for index, chosen in enumerate(order):
                piece = features[chosen] - centre
                sums[index], products[index] = piece.sum(axis=0), piece.T @ piece
        return _Pieces(rows, sums, products)

    def moments(self, chosen: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (d,) and covariance (d, d) of a union of pieces."""
        count = self.rows * len(chosen)
        mean = self.sums[chosen].sum(axis=0) / count
        scatter = self.products[chosen].sum(axis=0) - count * np.outer(mean, mean)
        return mean, scatter / (count - 1)


def _distance(ours: _Pieces, theirs: _Pieces, union: list[int]) -> float:
    """Between unions, from covariances: a few digits less than from factors, and faster."""
    (our_mean, our_covariance), (mean, covariance) = ours.moments(union), theirs.moments(union)
    lift = LIFT * (np.trace(covariance) or 1.0) / len(mean)  # dead features have no factor
    root = np.linalg.cholesky(covariance + lift * np.eye(len(mean)))
    overlap = np.linalg.eigvalsh(root.T @ our_covariance @ root)
    return float(
        np.sum((our_mean - mean) ** 2)
        + np.trace(our_covariance)
        + np.trace(covariance)
        - 2.0 * np.sqrt(np.clip(overlap, 0.0, None)).sum()
    )


def _jackknife(ours: _Pieces, theirs: _Pieces) -> float:
    """The intercept's spread when each piece of both sets is left out in turn (Tukey 1958)."""
    without = []
    for left_out in range(PIECES):
        kept = [piece for piece in range(PIECES) if piece != left_out]
        sizes = tuple(min(size, PIECES - 1) for size in SIZES)
        values = _distances(ours, theirs, kept, sizes)
        without.append(_line(ours.rows * np.array(sizes), values)[0])
    return float(np.sqrt((PIECES - 1) * np.var(without)))


def _distances(
    ours: _Pieces, theirs: _Pieces, pieces: list[int], sizes: tuple[int, ...]
) -> list[float]:
    """At each size, given in pieces, the mean over unions that start at different pieces."""
    starts = np.linspace(0, len(pieces), ROTATIONS, endpoint=False).astype(int)
    values = []
    for size in sizes:
        unions = {
            tuple(sorted(pieces[(start + step) % len(pieces)] for step in range(size)))
            for start in starts
        }
        values.append(
            float(np.mean([_distance(ours, theirs, list(union)) for union in sorted(unions)]))
        )
    return values


def _line(sizes: np.ndarray, values: list[float]) -> tuple[float, float]:
    slope, intercept = np.polyfit(1.0 / sizes, values, 1)
    return float(intercept), float(slope)
