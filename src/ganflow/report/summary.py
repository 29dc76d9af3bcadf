"""The summary of an evaluation: one sentence, and the metrics with what they are compared to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """A metric: its key in metrics.json, and what the summary shows beside it.

    baseline: the key in detail.json of the value for real images in place of the samples.
    error: the key in detail.json of its standard error, if it has no interval.
    """

    key: str
    name: str
    reading: str
    baseline: str = ""
    error: str = ""
    percent: bool = False


MEASURES = (
    Measure("fd.value", "Fréchet distance", "Lower is better.", "fd.baseline.mean"),
    Measure(
        "fd.infinity",
        "Fréchet distance, unlimited",
        "What it would be with endlessly many samples.",
        "fd.infinity.real",
        "fd.infinity.error",
    ),
    Measure("fid.value", "Inception distance (FID)", "Lower is better.", "fid.baseline.mean"),
    Measure("kid.value", "Kernel distance", "Lower is better.", "kid.real.value", "kid.error"),
    Measure(
        "prdc.precision",
        "Precision",
        "Share of samples that lie among real images.",
        "prdc.real.precision",
        percent=True,
    ),
    Measure(
        "prdc.recall",
        "Recall",
        "Share of real images that lie among samples.",
        "prdc.real.recall",
        percent=True,
    ),
    Measure("prdc.density", "Density", "How deep among real images.", "prdc.real.density"),
    Measure(
        "prdc.coverage",
        "Coverage",
        "Share of real images with a sample close by.",
        "prdc.real.coverage",
        percent=True,
    ),
    Measure(
        "classes.label_accuracy",
        "Label accuracy",
        "Samples read as the class they were asked for.",
        "classes.test.label_accuracy",
        percent=True,
    ),
    Measure(
        "classes.kl", "Class divergence", "In nats; 0 is the data's balance.", "classes.kl_baseline"
    ),
    Measure(
        "classes.worst_ratio",
        "Worst class",
        "Fréchet distance within a class over that of its real images, where it is largest.",
        "classes.worst_ratio_baseline",
    ),
    Measure("modes.covered", "Modes", "Classes that occur among the samples.", "modes.of"),
    Measure(
        "c2st.accuracy",
        "Told apart",
        "A fresh classifier's answers real or generated; a guess is 50\u00a0%.",
        percent=True,
    ),
    Measure(
        "cas.ratio",
        "Taught by samples",
        "Accuracy of a classifier trained on samples, over one trained on real images.",
    ),
    Measure(
        "memorization.ct",
        "Copying, C_T",
        "Far below 0 where training images are copied.",
        "memorization.real.ct",
    ),
    Measure(
        "memorization.authenticity",
        "Authenticity",
        "Samples no nearer to a training image than its like.",
        "memorization.real.authenticity",
        percent=True,
    ),
    Measure(
        "memorization.fd_gap",
        "Gap",
        "Far below 0 where samples are nearer to training than to unseen images.",
        "memorization.real.fd_gap",
    ),
)


@dataclass(frozen=True)
class Finding:
    """A metric with what it is compared to, as texts."""

    name: str
    value: str
    interval: str
    baseline: str
    ratio: str
    reading: str


@dataclass(frozen=True)
class Summary:
    sentence: str
    second: str
    """A sentence about the ratio under the second extractor, or nothing."""
    findings: tuple[Finding, ...]
    baseline: float | None
    """Of the Fréchet distance."""
    evaluator: str
    profile: str


def summarise(metrics: Mapping[str, Any], detail: Mapping[str, Any]) -> Summary:
    """Summarise metrics.json and detail.json. Missing metrics are left out."""
    findings = [_finding(measure, metrics, detail) for measure in MEASURES]
    return Summary(
        _sentence(metrics, detail),
        _second(metrics, detail),
        tuple(finding for finding in findings if finding),
        number_at(metrics, "fd.baseline"),
        str(metrics.get("evaluator", "")),
        str(metrics.get("profile", "")),
    )


def number(value: float) -> str:
    """Three significant digits, with no exponent where one can do without: 0.00123, 12.3, 1230."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"
    return text.replace("-", "−")


def percent(value: float) -> str:
    return f"{100 * value:.1f}\u00a0%"


def _finding(
    measure: Measure, metrics: Mapping[str, Any], detail: Mapping[str, Any]
) -> Finding | None:
    value = number_at(metrics, measure.key)
    if value is None:
        return None
    text = percent if measure.percent else number
    baseline = number_at(detail, measure.baseline)
    ratio = None
    if measure.key == "fd.value":
        baseline = number_at(metrics, "fd.baseline") if baseline is None else baseline
        ratio = number_at(metrics, "fd.ratio")
    interval = _interval(measure, value, metrics, detail)
    return Finding(
        measure.name,
        text(value),
        f"{text(interval[0])} to {text(interval[1])}" if interval else "",
        "" if baseline is None else text(baseline),
        "" if ratio is None else f"{ratio:.2f}\u00a0×",
        measure.reading,
    )


def _interval(
    measure: Measure, value: float, metrics: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[float, float] | None:
    """The bounds that the evaluation gives, else two standard errors."""
    error = number_at(detail, measure.error)
    around = None if error is None else (value - 1.96 * error, value + 1.96 * error)
    return interval_of(metrics, detail, measure.key) or around


def _sentence(metrics: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    distance, baseline = number_at(metrics, "fd.value"), number_at(metrics, "fd.baseline")
    if distance is None:
        return "No distance to real images has been measured."
    if metrics.get("evaluator_test") == "failed":
        return " ".join(["How good these samples are cannot be measured.", *doubts(detail)])
    ratio = number_at(metrics, "fd.ratio")
    interval = _interval(MEASURES[0], distance, metrics, detail)
    sure = (
        f" (95\u00a0% interval {number(interval[0])} to {number(interval[1])})" if interval else ""
    )
    words = [f"These samples are {_grade(ratio)}: their" if ratio else "The samples'"]
    words.append(f" Fréchet distance to unseen real images is {number(distance)}{sure}")
    if ratio and baseline is not None:
        words.append(
            f", {ratio:.1f} times the {number(baseline)} that equally many real images reach"
        )
    accuracy = number_at(metrics, "classes.label_accuracy")
    if accuracy is not None:
        words.append(f"; {percent(accuracy)} of them are read as the class they were asked for")
        real = number_at(detail, "classes.test.label_accuracy")
        if real is not None:
            words.append(f", of unseen real images {percent(real)}")
    return " ".join(["".join(words) + ".", *doubts(detail)])


def doubts(detail: Mapping[str, Any]) -> list[str]:
    """The doubts that the evaluation recorded, as sentences."""
    found = detail.get("doubts")
    return [str(one) for one in found] if isinstance(found, list) else []


def _second(metrics: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    ratio, agrees = number_at(metrics, "fd.second_ratio"), _at(detail, "fd.second.agrees")
    if ratio is None:
        return ""
    told = {True: ", and agrees", False: ", and does not agree"}.get(agrees, "")
    return f"A second extractor, trained from another seed, puts the ratio at {ratio:.2f}{told}."


def _grade(ratio: float) -> str:
    grades = (
        (1.15, "as close to real images as this evaluator can tell"),
        (1.6, "very close to real images"),
        (2.6, "close to real images, and still told apart from them"),
        (6.0, "like real images, and clearly told apart from them"),
    )
    return next((words for most, words in grades if ratio <= most), "far from real images")


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(values, Mapping):
            return None
        values = values.get(part)
    return values


def number_at(values: Mapping[str, Any], key: str) -> float | None:
    """The finite number under a dotted key, or None."""
    return _finite(_at(values, key))


def interval_of(
    metrics: Mapping[str, Any], detail: Mapping[str, Any], key: str
) -> tuple[float, float] | None:
    """The 95 % interval that the evaluation gives for a metric, if it gives one.

    It is either `low` and `high` beside `value` in metrics.json, or `NAME_interval` (for
    `value`, `interval`) in the same group of detail.json.
    """
    group, _, name = key.rpartition(".")
    if name == "value":
        low, high = (number_at(metrics, f"{group}.{end}") for end in ("low", "high"))
        if low is not None and high is not None:
            return low, high
    match _at(detail, f"{group}.interval" if name == "value" else f"{key}_interval"):
        case [first, second]:
            low, high = _finite(first), _finite(second)
            return None if low is None or high is None else (low, high)
    return None


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
