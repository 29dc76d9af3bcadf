"""FD∞: the Fréchet distance that infinitely many samples would have (Chong and Forsyth 2020).

The distance's bias falls as 1/N, and at a rate that depends on the model, so distances at one
N do not rank models fairly. The intercept of a line through distances over 1/N does. Samples
and test images are both thinned out to N, so that the intercept is free of either's bias and
is about 0 for a perfect generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganflow.errors import DataError
from ganflow.evaluation.blas import one_thread
from ganflow.evaluation.frechet import Moments, distance

PIECES = 20
SIZES = tuple(range(2, PIECES + 1, 2))  # in pieces: ten sizes, the smallest a tenth of all
ROTATIONS = 4


@dataclass(frozen=True)
class Extrapolation:
    """A line through Fréchet distances over 1/N."""

    sizes: tuple[int, ...]
    distances: tuple[float, ...]
    intercept: float
    """The distance at infinitely many samples; noise can put it slightly below 0."""

    slope: float
    error: float
    """Standard error of the intercept, by a jackknife over pieces of the samples."""

    def at(self, size: int) -> float:
        """The line's distance at `size` samples."""
        return self.intercept + self.slope / size


def extrapolate(
    generated: np.ndarray, test: np.ndarray, numbers: np.random.Generator
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
    ours = _Pieces.cut(generated, centre, rows, numbers)
    theirs = _Pieces.cut(test, centre, rows, numbers)

    with one_thread():
        values = _distances(ours, theirs, list(range(PIECES)), SIZES)
        intercept, slope = _line(rows * np.array(SIZES), values)
        without = []
        for left_out in range(PIECES):
            kept = [piece for piece in range(PIECES) if piece != left_out]
            sizes = tuple(min(size, PIECES - 1) for size in SIZES)
            partial = _distances(ours, theirs, kept, sizes)
            without.append(_line(rows * np.array(sizes), partial)[0])
    error = np.sqrt((PIECES - 1) * np.var(without))
    return Extrapolation(
        tuple(rows * size for size in SIZES), tuple(values), intercept, slope, float(error)
    )


@dataclass(frozen=True)
class _Pieces:
    rows: int
    sums: np.ndarray  # (pieces, d)
    products: np.ndarray  # (pieces, d, d)

    @staticmethod
    def cut(
        features: np.ndarray, centre: np.ndarray, rows: int, numbers: np.random.Generator
    ) -> _Pieces:
        order = numbers.permutation(len(features))[: rows * PIECES].reshape(PIECES, rows)
        size = features.shape[1]
        sums, products = np.empty((PIECES, size)), np.empty((PIECES, size, size))
        with one_thread():
            for index, chosen in enumerate(order):
                piece = features[chosen] - centre
                sums[index], products[index] = piece.sum(axis=0), piece.T @ piece
        return _Pieces(rows, sums, products)

    def moments(self, chosen: list[int]) -> Moments:
        count = self.rows * len(chosen)
        mean = self.sums[chosen].sum(axis=0) / count
        covariance = (self.products[chosen].sum(axis=0) - count * np.outer(mean, mean)) / (
            count - 1
        )
        values, vectors = np.linalg.eigh(covariance)
        return Moments(mean, np.sqrt(np.clip(values, 0.0, None))[:, None] * vectors.T)


def _distances(
    ours: _Pieces, theirs: _Pieces, pieces: list[int], sizes: tuple[int, ...]
) -> list[float]:
    values = []
    for size in sizes:
        starts = np.linspace(0, len(pieces), ROTATIONS, endpoint=False).astype(int)
        unions = {
            tuple(pieces[(start + step) % len(pieces)] for step in range(size)) for start in starts
        }
        distinct = {tuple(sorted(union)) for union in unions}
        values.append(
            float(
                np.mean(
                    [
                        distance(ours.moments(list(union)), theirs.moments(list(union)))
                        for union in sorted(distinct)
                    ]
                )
            )
        )
    return values


def _line(sizes: np.ndarray, values: list[float]) -> tuple[float, float]:
    slope, intercept = np.polyfit(1.0 / sizes, values, 1)
    return float(intercept), float(slope)
