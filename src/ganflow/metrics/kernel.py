"""The kernel distance, an unbiased squared MMD (Bińkowski et al. 2018; Gretton et al. 2012)."""

from dataclasses import dataclass

import numpy as np

from ganflow.base.errors import DataError
from ganflow.features.blas import one_thread

BLOCK = 1_000
FEWEST_BLOCKS = 2


@dataclass(frozen=True)
class KernelDistance:
    """A mean over disjoint blocks, and how sure it is."""

    value: float
    """About 0 for equal distributions, and as often below as above it."""

    error: float
    """Standard error: blocks share no image, so their spread over √blocks is one."""

    blocks: int


def kernel_distance(
    generated: np.ndarray, real: np.ndarray, rng: np.random.Generator, block: int = BLOCK
) -> KernelDistance:
    """MMD² under (xᵀy/d + 1)³ between features (n, d) and (m, d), over disjoint random blocks.

    Raises:
        DataError: if there are too few rows for two blocks.
    """
    blocks = min(len(generated), len(real)) // block
    if blocks < FEWEST_BLOCKS:
        raise DataError(
            f"{min(len(generated), len(real))} images are too few for a kernel distance",
            expected=f"at least {FEWEST_BLOCKS * block}: two blocks of {block}",
        )
    ours = rng.permutation(len(generated))[: blocks * block].reshape(blocks, block)
    theirs = rng.permutation(len(real))[: blocks * block].reshape(blocks, block)
    with one_thread():
        values = [
            squared_mmd(generated[a].astype(np.float64), real[b].astype(np.float64))
            for a, b in zip(ours, theirs, strict=True)
        ]
    return KernelDistance(
        float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(blocks)), blocks
    )


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate from float64 features (n, d) and (m, d)."""
    n, m = len(x), len(y)
    within_x, within_y = _kernel(x, x), _kernel(y, y)
    return float(
        (within_x.sum() - np.trace(within_x)) / (n * (n - 1))
        + (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
        - 2.0 * _kernel(x, y).mean()
    )


def mmd_of_few(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The same of all rows at once, and its standard error over draws of x, y being fixed.

    Blocks of a few images are noise, so the error is a jackknife that leaves out each row of x.
    Near 0 it errs on the wide side (Efron and Stein 1981).
    """
    n, m = len(x), len(y)
    with one_thread():
        within, between = _kernel(x, x), _kernel(x, y).sum(axis=1)
        np.fill_diagonal(within, 0.0)
        of_row = within.sum(axis=1)
        value = squared_mmd(x, y)
    without = (of_row.sum() - 2.0 * of_row) / ((n - 1) * (n - 2))
    without -= 2.0 * (between.sum() - between) / ((n - 1) * m)
    return value, float(np.sqrt((n - 1) * np.var(without)))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    similarity = x @ y.T / x.shape[1] + 1.0
    return np.asarray(similarity * similarity * similarity)
