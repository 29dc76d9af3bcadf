"""Comparisons of models with their noise: better, worse, or cannot tell.

There are two sources of noise. Training under another seed gives another model, so recipes are
compared over seeds, with t-intervals. Other samples give another number for the same model, so
two single models are compared by a bootstrap over samples and test images. Both models see the
same resampled test images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from ganflow.base.errors import GanflowError
from ganflow.metrics.intervals import LEVEL

Answer = Literal["better", "worse", "cannot tell"]
Direction = Literal["lower", "higher"]

DIRECTIONS: dict[str, Direction] = {
    "fd.value": "lower",
    "fd.ratio": "lower",
    "fd.infinity": "lower",
    "fd.second_ratio": "lower",
    "fid.value": "lower",
    "fid.ratio": "lower",
    "kid.value": "lower",
    "prdc.precision": "higher",
    "prdc.recall": "higher",
    "prdc.coverage": "higher",
    "classes.kl": "lower",
    "classes.label_accuracy": "higher",
    "classes.worst_ratio": "lower",
    "cas.ratio": "higher",
    "modes.covered": "higher",
}
"""Which way each number is better. What is missing is best where real images have it, with worse
on both sides (`prdc.density`, `memorization`, `c2st.accuracy`), or no property of the model
(baselines): blurred samples are authentic, and a single good one over and over is dense."""


@dataclass(frozen=True)
class Difference:
    """Candidate minus base, with its 95 % interval and the answer that follows from it."""

    value: float
    low: float
    high: float
    answer: Answer


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's 95 % interval of a mean (1908), which is its middle.

    Raises:
        GanflowError: for fewer than two values, or one that is not finite.
    """
    numbers = _finite(values)
    half = _t(len(numbers) - 1) * float(numbers.std(ddof=1)) / np.sqrt(len(numbers))
    return float(numbers.mean()) - half, float(numbers.mean()) + half


def across_seeds(
    base: Sequence[float], candidate: Sequence[float], direction: Direction
) -> Difference:
    """Compare two recipes by a number of models trained under several seeds each.

    Welch's interval (1947): the two recipes' spreads over seeds may differ.

    Raises:
        GanflowError: for fewer than two seeds of either.
    """
    old, new = _finite(base), _finite(candidate)
    value = float(new.mean() - old.mean())
    parts = np.array([old.var(ddof=1) / len(old), new.var(ddof=1) / len(new)])
    variance = float(parts.sum())
    if variance == 0.0:
        return difference(value, value, value, direction)
    freedom = variance**2 / float(np.sum(parts**2 / np.array([len(old) - 1, len(new) - 1])))
    half = _t(freedom) * np.sqrt(variance)
    return difference(value, value - half, value + half, direction)


def paired_interval(base: Sequence[float], candidate: Sequence[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean difference of recipes trained under the same seeds.

    Raises:
        GanflowError: for fewer than two pairs.
    """
    return t_interval([new - old for old, new in zip(base, candidate, strict=True)])


def paired_bootstrap(
    base: np.ndarray,
    candidate: np.ndarray,
    test: np.ndarray,
    measure: Callable[[np.ndarray, np.ndarray], float],
    direction: Direction,
    *,
    resamples: int = 200,
    rng: np.random.Generator,
) -> Difference:
    """Compare two models by resampling the images they are judged by (Efron 1979).

    In each round samples of both models and the test images are drawn again; both models are
    measured against the same test images, so the noise of these mostly cancels.

    Args:
        base, candidate, test: features (N, d), (M, d), (m, d).
        measure: from features of samples and of test images to a number.
    """
    value = measure(candidate, test) - measure(base, test)
    rounds = np.empty(resamples)
    for index in range(resamples):
        seen = test[_resample(len(test), rng)]
        rounds[index] = measure(candidate[_resample(len(candidate), rng)], seen) - measure(
            base[_resample(len(base), rng)], seen
        )
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(rounds - rounds.mean(), (tail, 1.0 - tail))
    return difference(value, value - float(high), value - float(low), direction)


def difference(value: float, low: float, high: float, direction: Direction) -> Difference:
    """The answer of an interval of candidate minus base: *cannot tell* if it includes 0."""
    if low <= 0.0 <= high:
        answer: Answer = "cannot tell"
    elif (high < 0.0) == (direction == "lower"):
        answer = "better"
    else:
        answer = "worse"
    return Difference(value, low, high, answer)


def _resample(count: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.integers(count, size=count))


def _t(freedom: float) -> float:
    return float(stdtrit(freedom, 0.5 + LEVEL / 2.0))


def _finite(values: Sequence[float]) -> np.ndarray:
    numbers = np.asarray(values, np.float64)
    if len(numbers) < 2:
        raise GanflowError(
            f"{len(numbers)} value cannot say how far values differ",
            expected="at least 2 seeds",
            run="train under another seed: dvc exp run -S seed=1",
        )
    if not np.isfinite(numbers).all():
        raise GanflowError("a value that is not finite", expected="numbers from metrics.json")
    return numbers
