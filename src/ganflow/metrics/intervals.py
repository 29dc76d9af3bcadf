"""Between which numbers the truth lies, 95 times in 100."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

LEVEL = 0.95
Z = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float

    @property
    def bounds(self) -> list[float]:
        return [self.low, self.high]

    @property
    def within_shares(self) -> "Interval":
        """The part of it between 0 and 1, for what is a share."""
        return Interval(min(1.0, max(0.0, self.low)), min(1.0, max(0.0, self.high)))


def student(value: float, error: float, freedom: float) -> Interval:
    """Student's interval (1908) from a standard error and its degrees of freedom."""
    return simultaneous(value, error, freedom, 1)


def simultaneous(value: float, error: float, freedom: float, count: int) -> Interval:
    """One of `count` intervals that hold all their truths together 95 times in 100.

    Student's at Bonferroni's level (Dunn 1961), whatever their numbers have in common.
    """
    half = float(stdtrit(freedom, 1.0 - (1.0 - LEVEL) / (2.0 * count))) * error
    return Interval(value - half, value + half)


def normal(value: float, error: float) -> Interval:
    """The normal interval from a standard error that is known well, or a little too large."""
    return Interval(value - Z * error, value + Z * error)


def basic_bootstrap(value: float, resampled: np.ndarray) -> Interval:
    """The interval of a value that is at least 0, from resampled values (Efron 1979).

    Only their spread is used, reflected about the value: a resample repeats rows, which biases
    every distance upwards, so that the mean of resampled distances says nothing.
    """
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(resampled - np.mean(resampled), (tail, 1.0 - tail))
    return Interval(max(0.0, value - float(high)), value - float(low))


def binomial(right: int, count: int) -> Interval:
    """Wilson's interval of a share (1927)."""
    z, share = Z, right / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = (
        z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    )
    return Interval(float(max(0.0, centre - half)), float(min(1.0, centre + half)))
