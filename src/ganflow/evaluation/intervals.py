"""Between which numbers the truth lies, 95 times in 100."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


def binomial(right: int, count: int) -> Interval:
    """Wilson's interval of a share (1927)."""
    z = 1.959963984540054
    share = right / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = (
        z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    )
    return Interval(float(max(0.0, centre - half)), float(min(1.0, centre + half)))
