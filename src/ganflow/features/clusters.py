"""Principal components, and cells around k-means centres, from a fixed start."""

import numpy as np

from ganflow.features.blas import one_thread
from ganflow.features.neighbours import nearest

ROUNDS = 25
SAMPLE = 10_000


def components(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and the strongest principal axes (d, count or fewer) of rows (n, d), float64."""
    mean = rows.mean(axis=0, dtype=np.float64)
    with one_thread():
        centred = rows - mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
    return mean, vectors[:, ::-1][:, :count]


def centres(rows: np.ndarray, count: int) -> np.ndarray:
    """Centres (count, d) of k-means cells (Lloyd 1982) of up to 10,000 of the rows (n, d).

    They start as far from each other as they can (Gonzalez 1985), and the random choices are
    fixed, so that equal rows give equal centres.
    """
    rng = np.random.default_rng(0)
    if len(rows) > SAMPLE:
        rows = rows[np.sort(rng.choice(len(rows), SAMPLE, replace=False))]
    found = rows[[rng.integers(len(rows))]]
    gaps = nearest(rows, found)[1]
    while len(found) < min(count, len(rows)):
        farthest = rows[[gaps.argmax()]]
        found = np.vstack([found, farthest])
        gaps = np.minimum(gaps, nearest(rows, farthest)[1])
    for _ in range(ROUNDS):
        cell = nearest(rows, found)[0]
        moved = np.array(
            [
                rows[cell == index].mean(axis=0) if (cell == index).any() else centre
                for index, centre in enumerate(found)
            ]
        )
        if np.array_equal(moved, found):
            break
        found = moved
    return found
