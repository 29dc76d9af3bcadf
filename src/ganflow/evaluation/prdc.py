"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganflow.errors import DataError
from ganflow.evaluation.blas import over_blocks
from ganflow.evaluation.neighbours import Distances, radii

NEIGHBOURS = 5


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

    density_error: float
    """Standard error of the density over draws of samples."""

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

    def work(part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        block = distances.block(part)
        inside = block < real_radii
        balls = np.asarray(np.count_nonzero(inside, axis=1))
        reached = (block < generated_radii[part, None]).any(axis=0)
        covered = np.asarray(inside.any(axis=0))
        return balls, covered, np.asarray(reached)

    parts = over_blocks(work, len(generated), len(real), threads)
    counts, covers, recalled = zip(*parts, strict=True)
    balls = np.concatenate(counts)
    return Prdc(
        precision=float(np.mean(balls > 0)),
        recall=float(np.any(recalled, axis=0).mean()),
        density=float(balls.mean() / k),
        coverage=float(np.any(covers, axis=0).mean()),
        density_error=float(balls.std(ddof=1) / k / np.sqrt(len(balls))),
    )
