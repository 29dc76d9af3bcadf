"""The verdict in one sentence, and the numbers that carry it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """What a number in metrics.json is called, and how to read it."""

    key: str
    name: str
    reading: str
    percent: bool = False


MEASURES = (
    Measure("fd", "Fréchet distance", "Lower is better; the floor is what real images reach."),
    Measure("kid", "Kernel distance", "Lower is better; 0 within its error for equal sources."),
    Measure("precision", "Precision", "Share of samples that look like real images.", True),
    Measure("recall", "Recall", "Share of real images that the samples come near to.", True),
    Measure("density", "Density", "How deep samples lie among real images; real ones reach 1."),
    Measure("coverage", "Coverage", "Share of real images with a sample nearby.", True),
    Measure("classes.kl", "Class divergence", "KL of classes from real ones; 0 is balanced."),
    Measure(
        "classes.label_accuracy",
        "Label accuracy",
        "Samples read as the class they were asked for.",
        True,
    ),
    Measure("copying", "Copying (C_T)", "Far below 0 means that training images are copied."),
)


@dataclass(frozen=True)
class Finding:
    """A published number with what it must be read beside; texts are ready to show."""

    name: str
    value: str
    interval: str
    floor: str
    ratio: str
    reading: str


@dataclass(frozen=True)
class Verdict:
    sentence: str
    findings: tuple[Finding, ...]
    floor: float | None
    """Of the Fréchet distance."""
    yardstick: str
    profile: str


def judge(metrics: Mapping[str, Any], detail: Mapping[str, Any]) -> Verdict:
    """Put metrics.json and detail.json into words; numbers that are not there are left out."""
    findings = [_finding(measure, metrics, detail) for measure in MEASURES]
    return Verdict(
        _sentence(metrics, detail),
        tuple(finding for finding in findings if finding),
        _beside(metrics, detail, "fd", "floor"),
        str(metrics.get("yardstick", "")),
        str(metrics.get("profile", "")),
    )


def number(value: float) -> str:
    """Three significant digits, with no exponent where one can do without: 0.00123, 12.3, 1230."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def percent(value: float) -> str:
    return f"{100 * value:.1f}\u00a0%"


def _finding(
    measure: Measure, metrics: Mapping[str, Any], detail: Mapping[str, Any]
) -> Finding | None:
    value = _value(metrics, measure.key)
    if value is None:
        return None
    text = percent if measure.percent else number
    floor = _beside(metrics, detail, measure.key, "floor")
    ratio = _beside(metrics, detail, measure.key, "ratio")
    interval = _interval(metrics, detail, measure.key)
    return Finding(
        measure.name,
        text(value),
        f"{text(interval[0])} to {text(interval[1])}" if interval else "",
        "" if floor is None else text(floor),
        "" if ratio is None else f"{ratio:.2f}\u00a0×",
        measure.reading,
    )


def _sentence(metrics: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    distance = _value(metrics, "fd")
    if distance is None:
        return "No distance to real images has been measured."
    floor = _beside(metrics, detail, "fd", "floor")
    ratio = _beside(metrics, detail, "fd", "ratio")
    if ratio is None and floor:
        ratio = distance / floor
    interval = _interval(metrics, detail, "fd")
    sure = (
        f" (95\u00a0% interval {number(interval[0])} to {number(interval[1])})" if interval else ""
    )
    words = [f"These samples are {_grade(ratio)}: "] if ratio else ["These samples stand at "]
    words.append(f"their Fréchet distance to unseen real images is {number(distance)}{sure}")
    if ratio and floor is not None:
        words.append(f", {ratio:.1f} times the {number(floor)} that equally many real images reach")
    accuracy = _value(metrics, "classes.label_accuracy")
    if accuracy is not None:
        words.append(f"; {percent(accuracy)} of them are read as the class they were asked for")
        real = _beside(metrics, detail, "classes.label_accuracy", "floor")
        if real is not None:
            words.append(f", of real images {percent(real)}")
    return "".join(words) + "."


def _grade(ratio: float) -> str:
    grades = (
        (1.15, "as close to real images as this yardstick can tell"),
        (1.6, "very close to real images"),
        (2.6, "close to real images, and still told apart from them"),
        (6.0, "like real images, and clearly told apart from them"),
    )
    return next((words for most, words in grades if ratio <= most), "far from real images")


def _value(metrics: Mapping[str, Any], key: str) -> float | None:
    found = _at(metrics, key)
    if isinstance(found, Mapping):
        found = found.get("value")
    return _finite(found)


def _beside(
    metrics: Mapping[str, Any], detail: Mapping[str, Any], key: str, name: str
) -> float | None:
    """`fd.floor` or `classes.kl_floor`, in metrics or else in detail."""
    for source in (metrics, detail):
        found = _finite(_at(source, f"{key}.{name}"))
        if found is None:
            found = _finite(_at(source, f"{key}_{name}"))
        if found is not None:
            return found
    return None


def _interval(
    metrics: Mapping[str, Any], detail: Mapping[str, Any], key: str
) -> tuple[float, float] | None:
    for source in (metrics, detail):
        found = _at(source, f"{key}.interval") or _at(source, f"{key}_interval")
        if isinstance(found, list | tuple) and len(found) == 2:
            low, high = _finite(found[0]), _finite(found[1])
        else:
            low, high = _finite(_at(source, f"{key}.low")), _finite(_at(source, f"{key}.high"))
        if low is not None and high is not None:
            return low, high
    return None


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(values, Mapping):
            return None
        values = values.get(part)
    return values


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None
