"""Permutation tests: whether two samples may have been drawn from one distribution.

Under that hypothesis every division of all images into two sets of the same sizes is equally
likely, so the p-value needs no model of the images. How many divisions are drawn depends on the
outcome: those of an unsuspicious sample end early (Besag and Clifford, 1991).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FEWEST, MOST = 100, 1_000_000
"""Divisions drawn for the usual value, and at most for a p-value, which cannot be below 1/MOST."""

EXCEEDANCES = 10
"""Divisions with at least the observed value, after which no more are drawn."""

WIDTH = 0.3
"""Of the kernel, in medians of the squared distances. Under a wider one, and under the cubic kernel
of `ganflow.metrics.kernel`, a tenth of images of a class that is not known was not found."""

Draw = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class PermutationTest:
    """A statistic of two samples, beside what random divisions of both together give."""

    value: float
    usual: float
    """What 95 of 100 random divisions do not exceed."""

    p: float
    level: float
    """The probability with which the test may reject, where there is no difference."""

    @property
    def rejects(self) -> bool:
        """Whether the samples differ, at this level."""
        return self.p <= self.level


def kernel_test(
    incoming: np.ndarray, reference: np.ndarray, level: float, rng: np.random.Generator
) -> PermutationTest:
    """Test by the unbiased squared MMD under a Gaussian kernel (Gretton et al., 2012).

    Args:
        incoming, reference: features (n, d) and (m, d), at least two rows each.
    """
    kernel = _gaussian(np.concatenate([incoming, reference]).astype(np.float32))
    n, m = len(incoming), len(reference)
    sums = kernel.sum(1, dtype=np.float64)

    def distances(chosen: np.ndarray) -> np.ndarray:
        within = np.einsum("ij,ij->i", chosen @ kernel, chosen, dtype=np.float64)
        across = chosen @ sums - within
        others = sums.sum() - within - 2 * across
        found: np.ndarray = within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * across / (n * m)
        return found

    def draw(count: int) -> np.ndarray:
        keys = rng.random((count, n + m))
        return distances((keys <= np.partition(keys, n - 1)[:, n - 1 : n]).astype(np.float32))

    observed = np.zeros((1, n + m), np.float32)
    observed[0, :n] = 1
    rounding = 1e-6 * float(np.abs(kernel).mean())
    return _tested(float(distances(observed)[0]), draw, level, rounding)


def _gaussian(rows: np.ndarray) -> np.ndarray:
    """The kernel of every pair of rows (n, d): float32 (n, n), with 0 on the diagonal."""
    norms = (rows * rows).sum(1)
    squares = np.maximum(norms[:, None] + norms - 2 * rows @ rows.T, 0)
    # Of all rows, so that it does not depend on which set each is in.
    width = WIDTH * float(np.median(squares)) or 1.0
    kernel: np.ndarray = np.exp(squares / np.float32(-width))
    np.fill_diagonal(kernel, 0)
    return kernel


def shares_test(
    incoming: np.ndarray, reference: np.ndarray, level: float, rng: np.random.Generator
) -> PermutationTest:
    """Test whether classes are as frequent, by Pearson's χ² of the table (2, K) of counts.

    Args:
        incoming, reference: whole numbers (K,), each with a sum above 0.
    """
    both = incoming + reference
    incoming, reference, both = incoming[both > 0], reference[both > 0], both[both > 0]
    n, total = int(incoming.sum()), int(both.sum())
    expected = both * (n / total)

    def statistic(counts: np.ndarray) -> np.ndarray:
        # Both rows of the table differ from what is expected by the same counts.
        squares = (counts - expected) ** 2
        found: np.ndarray = (squares / expected).sum(-1) * total / (total - n)
        return found

    def draw(count: int) -> np.ndarray:
        return statistic(rng.multivariate_hypergeometric(both, n, count, method="marginals"))

    return _tested(float(statistic(incoming)), draw, level, 1e-9)


def _tested(observed: float, draw: Draw, level: float, rounding: float) -> PermutationTest:
    """Compare a value with random ones, until it is clear on which side of `level` it is."""
    most = min(MOST, max(FEWEST, math.ceil(1 / level))) - 1
    first = draw(min(FEWEST, most))
    usual = float(np.quantile(first, 0.95))
    values, done, exceeding = first, 0, 0
    while True:
        hits = exceeding + np.cumsum(values >= observed - rounding)
        if hits[-1] >= EXCEEDANCES:
            drawn = done + int(np.searchsorted(hits, EXCEEDANCES)) + 1
            return PermutationTest(observed, usual, EXCEEDANCES / drawn, level)
        done, exceeding = done + len(values), int(hits[-1])
        if done == most:
            return PermutationTest(observed, usual, (exceeding + 1) / (done + 1), level)
        values = draw(min(4 * FEWEST, most - done))
