"""The gate: whether a model keeps its limits and is no worse than the base.

The gate looks at the 95 % interval of a difference, never at its value alone. *Better* and *not
worse* pass, *worse* fails, and *cannot tell* fails unless `gate.on_unclear` is `pass`. A number
that is missing or not finite, on either side, fails.

Of the classes, each by itself, only *worse* fails: the intervals of ten classes are so wide that
*cannot tell* would refuse models that are equal.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ganflow.config.gate import GateParams
from ganflow.report.summary import interval_of, number_at
from ganflow.versions.class_differences import (
    ClassDifference,
    Rows,
    class_differences,
    class_rows,
)
from ganflow.versions.comparison import paired_interval

MetricOutcome = Literal[
    "better", "not worse", "none worse", "worse", "cannot tell", "missing", "kept", "broken"
]


@dataclass(frozen=True)
class Measured:
    """One evaluation: the contents of metrics.json and detail.json."""

    metrics: Mapping[str, Any]
    detail: Mapping[str, Any]

    @property
    def evaluator(self) -> str:
        return str(self.metrics.get("evaluator", ""))

    @property
    def terms(self) -> tuple[str, str]:
        """Evaluator and profile: numbers are compared only where both agree, since a distance's
        bias depends on how many samples are judged."""
        return self.evaluator, str(self.metrics.get("profile", ""))

    @property
    def evaluator_holds(self) -> bool:
        """Whether the evaluator told faults planted in real images, if it was tested."""
        return self.metrics.get("evaluator_test") != "failed"

    def value(self, metric: str) -> float | None:
        """The finite number under a dotted name of metrics.json, if there is one."""
        return number_at(self.metrics, metric)

    def interval(self, metric: str) -> tuple[float, float] | None:
        """The metric's 95 % interval, if the evaluation gives one."""
        return interval_of(self.metrics, self.detail, metric)

    @property
    def classes(self) -> Rows:
        """A row for each class; empty where the evaluation did not measure them one by one."""
        return class_rows(self.detail)


@dataclass(frozen=True)
class MetricDecision:
    """The gate's decision on one metric."""

    metric: str
    base: float | None
    candidate: float | None
    interval: tuple[float, float] | None
    """Of the difference, candidate minus base."""
    rule: str
    outcome: MetricOutcome
    passed: bool


EVALUATOR_FAILS = MetricDecision(
    "evaluator", None, None, None, "tells faults planted in real images", "broken", False
)
"""Of an evaluator that failed its test: its numbers mean nothing, so nothing passes."""


@dataclass(frozen=True)
class Decision:
    """The gate's decision, metric by metric."""

    rows: tuple[MetricDecision, ...]
    trainings: int
    reason: str = ""
    """Why the candidate should be proposed (`ganflow.versions.reason`); empty if it should not."""
    notes: tuple[str, ...] = ()
    """What was not compared, and why, in sentences."""

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    @property
    def line(self) -> str:
        """The decision in a sentence."""
        if self.passed:
            compared = named_rows(row for row in self.rows if row.outcome != "kept")
            return f"**The gate passes**: {compared or 'limits kept'}"
        return "**The gate fails**: " + named_rows(row for row in self.rows if not row.passed)

    def as_markdown(self) -> str:
        """The decision as a table, for the pull request and Prefect's page."""
        source = (
            "intervals are those of the measurement (one training each)"
            if self.trainings == 1
            else f"intervals are paired t-intervals over {self.trainings} trainings"
        )
        lines = [
            self.line,
            *(["", f"**Reason**: {self.reason}"] if self.reason else []),
            "",
            "| metric | base | candidate | difference, 95 % | rule | outcome |",
            "|---|---:|---:|---:|---|---|",
        ]
        lines += [
            f"| {row.metric} | {number_text(row.base)} | {number_text(row.candidate)} "
            f"| {interval_text(row.interval)} | {row.rule} | {row.outcome} |"
            for row in self.rows
        ]
        for note in self.notes:
            lines += ["", note]
        return "\n".join([*lines, "", f"95 % {source}.", ""])


def named_rows(rows: Iterable[MetricDecision]) -> str:
    """The metrics of rows with their outcomes, in a line."""
    return ", ".join(
        f"{row.metric} {row.outcome}"
        + (f" ({number_text(row.base)} → {number_text(row.candidate)})" if row.interval else "")
        for row in rows
    )


def decide(gate: GateParams, base: Sequence[Measured], candidate: Sequence[Measured]) -> Decision:
    """Decide whether the gate passes a candidate.

    Args:
        gate: the candidate's own `gate` section.
        base: evaluations of the base, one for each training seed, under the candidate's
            evaluator and profile.
        candidate: evaluations of the candidate under the same seeds, in the same order.
    """
    limits = [
        _limit(metric, limit.least, limit.most, candidate) for metric, limit in gate.limits.items()
    ]
    compared = [
        _compare(metric, direction, gate, base, candidate)
        for metric, direction in gate.compare.items()
    ]
    classes, notes = _compare_classes(gate, base, candidate)
    failed = [] if all(one.evaluator_holds for one in candidate) else [EVALUATOR_FAILS]
    return Decision((*failed, *limits, *compared, *classes), len(candidate), notes=notes)


def _limit(
    metric: str, least: float | None, most: float | None, candidate: Sequence[Measured]
) -> MetricDecision:
    bounds = [f"≥ {least:g}"] if least is not None else []
    bounds += [f"≤ {most:g}"] if most is not None else []
    found = _values(metric, candidate)
    kept = all(
        (least is None or value >= least) and (most is None or value <= most) for value in found
    )
    complete = len(found) == len(candidate) > 0
    outcome: MetricOutcome = "missing" if not complete else "kept" if kept else "broken"
    return MetricDecision(
        metric,
        None,
        _mean(found) if complete else None,
        None,
        " and ".join(bounds) or "a finite number",
        outcome,
        outcome == "kept",
    )


def _compare(
    metric: str,
    direction: Literal["lower", "higher"],
    gate: GateParams,
    base: Sequence[Measured],
    candidate: Sequence[Measured],
) -> MetricDecision:
    rule = f"{direction} is better, margin {gate.margin:.0%}"
    old, new = _values(metric, base), _values(metric, candidate)
    before, after = _mean(old), _mean(new)
    complete = len(old) == len(new) == len(base)
    if not complete or before is None or not _comparable(base, candidate):
        return MetricDecision(metric, before, after, None, rule, "missing", False)
    interval = (
        paired_interval(old, new)
        if len(old) > 1
        else difference_interval(metric, base[0], candidate[0])
    )
    outcome = classify_difference(interval, direction, gate.margin * abs(before))
    passed = outcome in ("better", "not worse") or (
        outcome == "cannot tell" and gate.on_unclear == "pass"
    )
    return MetricDecision(metric, before, after, interval, rule, outcome, passed)


def _compare_classes(
    gate: GateParams, base: Sequence[Measured], candidate: Sequence[Measured]
) -> tuple[list[MetricDecision], tuple[str, ...]]:
    """A row for each class that is worse than the base's, or one for all; and notes."""
    measured = any(one.classes for one in (*base, *candidate))
    if not gate.classes or not measured or not any(one.metrics for one in base):
        return [], ()
    if not all(one.classes for one in base):
        before = "the base's detail.json, of an older version, has no numbers of each class"
        return [], (f"Classes are not compared: {before}.",)
    old, new = [one.classes for one in base], [one.classes for one in candidate]
    rule = f"no class worse, margin {gate.margin:.0%}"
    if not _comparable(base, candidate) or len({len(rows) for rows in (*old, *new)}) != 1:
        return [MetricDecision("classes", None, None, None, rule, "missing", False)], ()
    found = class_differences(old, new)
    worse = [row for one in found if (row := _worse_class(one, gate, len(found))) is not None]
    notes: tuple[str, ...] = ()
    if len(found) < len(new[0]):
        few = len(new[0]) - len(found)
        notes = (f"Of {len(new[0])} classes, {few} have too few images to be compared.",)
    if worse or not found:
        return worse, notes
    rule = f"{rule}, 95 % for {len(found)} together"
    return [MetricDecision("classes", None, None, None, rule, "none worse", True)], notes


def _worse_class(found: ClassDifference, gate: GateParams, count: int) -> MetricDecision | None:
    """The row of a class that is worse, or that the candidate no longer makes."""
    outcome: MetricOutcome = "missing"
    if found.candidate is not None:
        outcome = classify_difference(found.interval, "lower", gate.margin * abs(found.base))
        if outcome != "worse":
            return None
    rule = f"lower is better, margin {gate.margin:.0%}, 95 % for {count} classes together"
    name = f"{found.metric} of class {code_text(found.name)}"
    return MetricDecision(name, found.base, found.candidate, found.interval, rule, outcome, False)


def _comparable(base: Sequence[Measured], candidate: Sequence[Measured]) -> bool:
    """Whether both have the same number of evaluations, under the same evaluator and profile."""
    return len(base) == len(candidate) > 0 and all(
        one.terms == other.terms for one, other in zip(base, candidate, strict=True)
    )


def classify_difference(
    interval: tuple[float, float] | None, direction: Literal["lower", "higher"], margin: float
) -> MetricOutcome:
    """Test for non-inferiority: compare the interval of candidate minus base with the margin.

    Args:
        interval: of the difference; None where it is not known.
        direction: which of two values is the better one.
        margin: how much worse still counts as not worse, in the metric's own unit, ≥ 0.
    """
    if interval is None:
        return "cannot tell"
    low, high = interval if direction == "lower" else (-interval[1], -interval[0])
    if high < 0:
        return "better"
    if high <= margin:
        return "not worse"
    return "worse" if low > margin else "cannot tell"


def difference_interval(
    metric: str, base: Measured, candidate: Measured
) -> tuple[float, float] | None:
    """Interval of the difference of two independent measurements from the interval of each.

    The distances of the bounds from the values are errors of two independent measurements and
    add in squares (Zou and Donner, 2008: the method of variance estimates recovery).
    """
    old, new = base.value(metric), candidate.value(metric)
    old_span, new_span = base.interval(metric), candidate.interval(metric)
    if old is None or new is None or old_span is None or new_span is None:
        return None
    difference = new - old
    return (
        difference - math.hypot(new - new_span[0], old_span[1] - old),
        difference + math.hypot(new_span[1] - new, old - old_span[0]),
    )


def _values(metric: str, side: Sequence[Measured]) -> list[float]:
    """The finite values of a metric."""
    return [value for one in side if (value := one.value(metric)) is not None]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def code_text(value: Any) -> str:
    """A value as code in a cell of a Markdown table."""
    return "`" + str(value).replace("`", "'").replace("|", "\\|").replace("\n", " ") + "`"


def number_text(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def interval_text(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:+.3g} to {interval[1]:+.3g}"
