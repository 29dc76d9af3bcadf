"""Whether samples are new, or training images over again.

Distances are Euclidean in the 64 strongest principal components of the training features.
Every number has beside it what held-out real images score in the samples' place.
"""

from dataclasses import dataclass

import numpy as np

from ganflow.features.blas import one_thread
from ganflow.features.clusters import centres, components
from ganflow.features.neighbours import nearest

COMPONENTS = 64
CELLS = 3
FEWEST_IN_CELL = 20


@dataclass(frozen=True)
class Memorization:
    """How near samples lie to the training images."""

    ct: float
    """C_T (Meehan, Chaudhuri and Dasgupta 2020): about 0 where samples lie as far from the
    training images as test images do, far below 0 where they are copies."""

    authenticity: float
    """Share of samples farther from their nearest training image than that image is from its own
    nearest neighbour (Alaa et al. 2022)."""

    median_distance: float
    """Of samples to their nearest training image."""

    nearest: np.ndarray
    """Position of each sample's nearest training image, int64 (N,)."""

    distances: np.ndarray
    """To it, float64 (N,)."""


class TrainingImages:
    """The training features, made ready for several sets to be compared with them."""

    def __init__(self, train: np.ndarray, test: np.ndarray, threads: int = 1) -> None:
        """Take features (M, d) of the train and (m, d) of the test split."""
        self._threads = threads
        self._mean, self._axes = components(train, COMPONENTS)
        self._train = self._project(train)
        self._centres = centres(self._train, CELLS)
        projected = self._project(test)
        self._test_distances = nearest(projected, self._train, threads)[1]
        self._test_cells = self._cell_of(projected)

    def compare(self, features: np.ndarray) -> Memorization:
        """How near rows of features (N, d) lie to the training images."""
        projected = self._project(features)
        found, gaps = nearest(projected, self._train, self._threads)
        return Memorization(
            ct=c_t(gaps, self._cell_of(projected), self._test_distances, self._test_cells, CELLS),
            authenticity=float(np.mean(gaps > self._own_distances(found))),
            median_distance=float(np.median(gaps)),
            nearest=found,
            distances=gaps,
        )

    def _project(self, features: np.ndarray) -> np.ndarray:
        with one_thread():
            return np.asarray((features - self._mean) @ self._axes)

    def _cell_of(self, projected: np.ndarray) -> np.ndarray:
        return nearest(projected, self._centres)[0]

    def _own_distances(self, found: np.ndarray) -> np.ndarray:
        """Distances of these training images to their own nearest neighbours, each found once."""
        rows, place = np.unique(found, return_inverse=True)
        gaps = nearest(self._train[rows], self._train, self._threads, own=rows)[1]
        return np.asarray(gaps[place])


def c_t(
    generated: np.ndarray,
    generated_cells: np.ndarray,
    test: np.ndarray,
    test_cells: np.ndarray,
    cells: int,
) -> float:
    """C_T from distances to the nearest training image, and the cell each image falls in.

    In each cell a Mann-Whitney statistic says whether generated distances (N,) are larger than
    test distances (M,), as a z-score; the cells' scores are averaged, weighted by the share of
    test images in them. A cell with fewer than 20 of either is left out.
    """
    scores, weights = [], []
    for cell in range(cells):
        ours, theirs = generated[generated_cells == cell], test[test_cells == cell]
        if min(len(ours), len(theirs)) >= FEWEST_IN_CELL:
            scores.append(mann_whitney(ours, theirs))
            weights.append(len(theirs))
    return float(np.average(scores, weights=weights)) if scores else 0.0


def mann_whitney(a: np.ndarray, b: np.ndarray) -> float:
    """The z-score of the number of pairs in which a is larger, ties counting half.

    Mann and Whitney (1947), with the variance corrected for ties. 0 if all values are equal.
    """
    n, m = len(a), len(b)
    values, positions, counts = np.unique(
        np.concatenate([a, b]), return_inverse=True, return_counts=True
    )
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[positions]
    larger = ranks[:n].sum() - n * (n + 1) / 2
    total = n + m
    ties = float(np.sum(counts.astype(np.float64) ** 3 - counts)) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    return float((larger - n * m / 2) / np.sqrt(variance)) if len(values) > 1 else 0.0
