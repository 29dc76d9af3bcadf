"""Nearest neighbours by blocks of exact products: 50,000 × 50,000 rows in well under 1 GB."""

from __future__ import annotations

import numpy as np

from ganflow.evaluation.blas import over_blocks


class Distances:
    """Squared Euclidean distances from rows x (n, d) to rows y (m, d), a block at a time.

    One product of widened rows, (x, |x|², 1)·(−2y, 1, |y|²), gives a block of distances with no
    further pass over it. Rows are first centred on the mean of y, which leaves distances as they
    are and makes the norms that cancel small.

    Args:
        precision: float64, or float32 where only an order is asked for.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, precision: type = np.float64) -> None:
        centre = y.mean(axis=0, dtype=np.float64)
        self.rows, self.columns = len(x), len(y)
        left, right = x - centre, y - centre
        ones = np.ones
        self._left: np.ndarray = np.hstack([left, _norms(left), ones((len(x), 1))]).astype(
            precision
        )
        self._right: np.ndarray = np.hstack(
            [-2.0 * right, ones((len(y), 1)), _norms(right)]
        ).astype(precision)

    def block(self, rows: slice) -> np.ndarray:
        """Distances (rows, m); rounding can leave a distance of 0 slightly below it."""
        return np.asarray(self._left[rows] @ self._right.T)


def _norms(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", rows, rows))[:, None]


def radii(rows: np.ndarray, k: int, threads: int = 1) -> np.ndarray:
    """Squared distances (n,) of each row to its k-th nearest other row."""
    distances = Distances(rows, rows)

    def work(part: slice) -> np.ndarray:
        block = distances.block(part)
        block[np.arange(part.stop - part.start), np.arange(part.start, part.stop)] = np.inf
        block.partition(k - 1, axis=1)
        return np.asarray(np.maximum(block[:, k - 1], 0.0))

    return np.concatenate(over_blocks(work, len(rows), len(rows), threads))


def nearest(
    x: np.ndarray, y: np.ndarray, threads: int = 1, *, own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest row of y (m, d) to each row of x (n, d).

    The search is in float32, the distances that are returned are in float64.

    Args:
        own: for each row of x its own position in y, which does not count.

    Returns:
        Positions in y (n,) int64, and distances (n,) float64.
    """
    distances = Distances(x, y, np.float32)

    def work(part: slice) -> np.ndarray:
        block = distances.block(part)
        if own is not None:
            block[np.arange(part.stop - part.start), own[part]] = np.inf
        return np.asarray(block.argmin(axis=1))

    found = np.concatenate(over_blocks(work, len(x), len(y), threads))
    gaps = np.subtract(x, y[found], dtype=np.float64)
    return found, np.sqrt(np.einsum("ij,ij->i", gaps, gaps))


def nearest_few(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Positions (n, k) of the k nearest rows of y for a few rows x, the nearest first."""
    return np.argsort(Distances(x, y).block(slice(0, len(x))), axis=1, kind="stable")[:, :k]
