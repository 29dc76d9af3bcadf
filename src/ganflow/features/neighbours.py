"""Nearest neighbours by blocks of exact products: 50,000 × 50,000 rows in well under 1 GB."""

import numpy as np

from ganflow.features.blas import over_blocks

HELD = 2**21
"""Values of the differences of rows that are held at once."""


class Distances:
    """Squared Euclidean distances from rows x (n, d) to rows y (m, d), a block at a time.

    One product of widened rows, (x, |x|², 1)·(−2y, 1, |y|²), gives a block of distances with no
    further pass over it. Rows are first centred on the mean of y, which leaves distances as they
    are and makes the norms that cancel small. The product is taken in float32, at twice the speed;
    a comparison that its rounding could turn is made again from the rows themselves, in float64.

    Attributes:
        slack: more than rounding can put between an entry of a block and the distance, whatever
            the order of the sums (Higham 2002, section 3.1).
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
        centre = y.mean(axis=0, dtype=np.float64)
        left, right = x - centre, y - centre
        self._left = _wide(left, _norms(left), np.ones((len(x), 1)))
        self._right = _wide(-2.0 * right, np.ones((len(y), 1)), _norms(right))
        longest = np.sqrt(_norms(left).max()) + np.sqrt(_norms(right).max())
        self.slack = float((x.shape[1] + 8) * np.finfo(np.float32).eps * longest**2)

    def block(self, rows: slice) -> np.ndarray:
        """Distances (rows, m) float32; rounding can leave a distance of 0 slightly below it."""
        return np.asarray(self._left[rows] @ self._right.T)

    def exact(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Distances (p,) float64 of pairs: row `rows[i]` of x and row `columns[i]` of y."""
        found = np.empty(len(rows))
        step = max(1, HELD // self.x.shape[1])
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            gaps = np.subtract(self.x[rows[part]], self.y[columns[part]], dtype=np.float64)
            found[part] = np.einsum("ij,ij->i", gaps, gaps)
        return found

    def within(self, block: np.ndarray, rows: slice, limits: np.ndarray) -> np.ndarray:
        """Whether the distances (rows, m) are below `limits` (m,) or (rows, 1): bool (rows, m)."""
        below = block < (limits - self.slack).astype(np.float32)
        unsure = _places(below != (block < (limits + self.slack).astype(np.float32)))
        of_pairs = np.broadcast_to(limits, block.shape)[unsure]
        below[unsure] = self.exact(rows.start + unsure[0], unsure[1]) < of_pairs
        return np.asarray(below)


def _wide(*columns: np.ndarray) -> np.ndarray:
    return np.hstack(columns).astype(np.float32)


def _far(block: np.ndarray, k: int) -> np.ndarray:
    """A bound (n, 1), seldom passed by many, on the k-th smallest of each row of (n, m).

    The least of every sixteen values are a sixteenth of the row, and k of them are that small.
    """
    width = block.shape[1] // 16
    if width >= 4 * k:
        block = block[:, : 16 * width].reshape(len(block), 16, width).min(axis=1)
    return np.asarray(np.partition(block, k - 1, axis=1)[:, k - 1 : k])


def _places(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns where bool (n, m) is true: NumPy's `nonzero`, several times as fast."""
    rows, columns = np.divmod(np.flatnonzero(found), found.shape[1])
    return rows, columns


def _norms(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]


def radii(rows: np.ndarray, k: int, threads: int = 1) -> np.ndarray:
    """Squared distances (n,) float64 of each row to its k-th nearest other row."""
    distances = Distances(rows, rows)

    def work(part: slice) -> np.ndarray:
        block = distances.block(part)
        block[np.arange(part.stop - part.start), np.arange(part.start, part.stop)] = np.inf
        far = _far(block, k) + 2 * distances.slack
        which, near = _places(block <= far.astype(np.float32))
        exact = distances.exact(part.start + which, near)
        order = np.lexsort((exact, which))
        return np.asarray(exact[order][np.searchsorted(which, np.arange(len(block))) + k - 1])

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
    distances = Distances(x, y)

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
    distances = Distances(x, y)
    rows, columns = np.divmod(np.arange(len(x) * len(y)), len(y))
    exact = distances.exact(rows, columns).reshape(len(x), len(y))
    return np.argsort(exact, axis=1, kind="stable")[:, :k]
