"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ganflow.base.errors import DataError
from ganflow.features.blas import over_blocks
from ganflow.features.neighbours import Distances, radii

NEIGHBOURS = 5
GROUPS = 20


@dataclass(frozen=True)
class Prdc:
    """Around every image lies a ball that reaches to its k-th nearest other image of its set.

    An image is inside a ball if it is strictly nearer than its radius.
    """

    precision: float
    """Share of generated images inside at least one real ball."""

    recall: float
    """Share of real images inside at least one generated ball."""

    density: float
    """Real balls around a generated image, on average, over k; above 1 in dense places."""

    coverage: float
    """Share of real balls with a generated image inside."""

    recall_error: float
    """Standard error over draws of samples: a jackknife over groups of them (Tukey 1958).

    Not that of a share of the real images: which of these are reached hangs together through the
    samples, and such an interval held the truth 69 times in 100.
    """

    density_error: float
    coverage_error: float

    def all_four(self) -> dict[str, float]:
        """Precision, recall, density and coverage by name."""
        return {
            name: getattr(self, name) for name in ("precision", "recall", "density", "coverage")
        }


def prdc(generated: np.ndarray, real: np.ndarray, k: int = NEIGHBOURS, threads: int = 1) -> Prdc:
    """All four from features (n, d) and (m, d), in one pass over their distances.

    Raises:
        DataError: if either set has no k-th neighbour.
    """
    if min(len(generated), len(real)) <= k:
        raise DataError(
            f"{min(len(generated), len(real))} images have no {k}-th nearest neighbour",
            expected=f"more than {k} images",
        )
    real_radii, generated_radii = radii(real, k, threads), radii(generated, k, threads)
    distances = Distances(generated, real)
    groups = min(GROUPS, len(generated))
    of_row = np.arange(len(generated)) * groups // len(generated)
    balls = np.empty(len(generated), np.int64)

    def work(part: slice) -> list[tuple[int, np.ndarray, np.ndarray]]:
        block = distances.block(part)
        inside = distances.within(block, part, real_radii)
        reached = distances.within(block, part, generated_radii[part, None])
        balls[part] = np.count_nonzero(inside, axis=1)
        return [
            (group, np.any(reached[rows], axis=0), np.any(inside[rows], axis=0))
            for group, rows in _runs(of_row[part])
        ]

    recalled, covered = np.zeros((2, len(real)), np.int64)  # a bit for each group of samples
    for found in over_blocks(work, len(generated), len(real), threads):
        for group, reached, inside in found:
            recalled |= reached.astype(np.int64) << group
            covered |= inside.astype(np.int64) << group
    return Prdc(
        precision=float(np.mean(balls > 0)),
        recall=float(np.mean(recalled > 0)),
        density=float(balls.mean() / k),
        coverage=float(np.mean(covered > 0)),
        recall_error=_jackknife(recalled, groups),
        density_error=float(balls.std(ddof=1) / k / np.sqrt(len(balls))),
        coverage_error=_jackknife(covered, groups),
    )


def _runs(groups: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Each group in ascending numbers (n,), and the rows that belong to it."""
    for group in np.unique(groups).tolist():
        first, last = np.searchsorted(groups, (group, group + 1)).tolist()
        yield group, slice(first, last)


def _jackknife(reached: np.ndarray, groups: int) -> float:
    """Standard error of the share that any group reaches, each group left out in turn.

    The other groups' balls keep their radii, which errs a little on the wide side.
    """
    without = [np.mean(reached & ~(1 << group) > 0) for group in range(groups)]
    return float(np.sqrt((groups - 1) * np.var(without)))
