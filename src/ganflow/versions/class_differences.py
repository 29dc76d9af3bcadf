"""Candidate and base, class by class: a model that is better on average may have lost a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganflow.metrics.intervals import simultaneous
from ganflow.report.summary import number_at

LOST = 0.5
"""A class with under this share of the base's samples, too few to measure it, is lost.

Without requested labels the number of a class's samples is chance, and one that lies at the limit
of what can be measured is now above it and now below.
"""

METRICS = {
    "fd.ratio": ("fd.ratio_error", "fd.samples"),
    "kid.value": ("kid.error", "kid.samples"),
}
"""What classes are compared by, the first one that there is: its standard error, and the number of
samples that this comes from."""

Rows = Sequence[Mapping[str, Any]]
"""`classes.each` of detail.json."""


@dataclass(frozen=True)
class ClassDifference:
    """One class in base and candidate; lower is better."""

    name: str
    metric: str
    """`fd.ratio`; for a class with too few images `kid.value`."""
    base: float
    candidate: float | None
    """None where the candidate makes too few images of the class to measure it."""
    interval: tuple[float, float] | None
    """Of candidate minus base. All classes' intervals hold together 95 times in 100."""


@dataclass(frozen=True)
class _Number:
    value: float
    error: float
    freedom: float


def class_rows(detail: Mapping[str, Any]) -> Rows:
    """The rows of an evaluation's classes; empty where it measured none one by one."""
    classes = detail.get("classes")
    rows = classes.get("each") if isinstance(classes, Mapping) else None
    if not isinstance(rows, list):
        return ()
    return [row for row in rows if isinstance(row, Mapping)]


def compared_part(row: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a row that `class_differences` reads."""
    part: dict[str, Any] = {"class": row.get("class"), "samples": row.get("samples")}
    for keys in ((metric, *more) for metric, more in METRICS.items()):
        group = keys[0].partition(".")[0]
        found = {key.partition(".")[2]: number_at(row, key) for key in keys}
        part[group] = None if None in found.values() else found
    return part


def class_differences(base: Sequence[Rows], candidate: Sequence[Rows]) -> list[ClassDifference]:
    """The classes that can be compared, by the first metric that all evaluations have.

    With one training each the interval is Student's from both standard errors; from two on, a
    paired t-interval over trainings. Either is at Bonferroni's level: to refuse a model for any one
    class, Holm's steps would refuse the same models.

    Args:
        base, candidate: the rows of each training, for the same classes in the same order.
    """
    found = [
        _compare(str(new[0].get("class", index)), old, new)
        for index, (old, new) in enumerate(
            zip(zip(*base, strict=True), zip(*candidate, strict=True), strict=True)
        )
    ]
    kept = [one for one in found if one is not None]
    count = sum(gap is not None for _, gap in kept)
    return [replace(one, interval=_interval(gap, count)) for one, gap in kept]


def _compare(
    name: str, base: Rows, candidate: Rows
) -> tuple[ClassDifference, _Number | None] | None:
    """A class still without its interval, and the difference that this is of."""
    for metric in METRICS:
        before, after = ([_number(row, metric) for row in side] for side in (base, candidate))
        old, new = ([one for one in side if one is not None] for side in (before, after))
        if len(old) == len(before) and len(new) == len(after):
            return ClassDifference(name, metric, _mean(old), _mean(new), None), _gap(old, new)
        if len(old) == len(before) and _samples(candidate) < LOST * _samples(base):
            return ClassDifference(name, metric, _mean(old), None, None), None
    return None


def _mean(numbers: Sequence[_Number]) -> float:
    return float(np.mean([one.value for one in numbers]))


def _gap(base: Sequence[_Number], candidate: Sequence[_Number]) -> _Number:
    gaps = [new.value - old.value for old, new in zip(base, candidate, strict=True)]
    if len(gaps) > 1:
        return _Number(
            float(np.mean(gaps)), float(np.std(gaps, ddof=1) / np.sqrt(len(gaps))), len(gaps) - 1
        )
    old, new = base[0], candidate[0]
    # The smaller number of degrees of freedom errs on the wide side of Welch's.
    return _Number(gaps[0], float(np.hypot(old.error, new.error)), min(old.freedom, new.freedom))


def _interval(gap: _Number | None, count: int) -> tuple[float, float] | None:
    if gap is None:
        return None
    within = simultaneous(gap.value, gap.error, gap.freedom, count)
    return within.low, within.high


def _number(row: Mapping[str, Any], metric: str) -> _Number | None:
    value, error, count = (number_at(row, key) for key in (metric, *METRICS[metric]))
    if value is None or error is None or count is None or count < 2:
        return None
    return _Number(value, error, count - 1)


def _samples(rows: Rows) -> float:
    return float(np.mean([number_at(row, "samples") or 0.0 for row in rows]))
