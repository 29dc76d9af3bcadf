"""The classes of an evaluation as a table, the worst first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganflow.report.summary import interval_of, number, number_at, percent

SHARES = ("precision", "recall", "coverage")


@dataclass(frozen=True)
class ClassLine:
    """A class as texts, empty where it could not be measured."""

    name: str
    ratio: str
    interval: str
    shares: tuple[str, ...]
    """Of `SHARES`, each with that of real images in brackets."""
    note: str
    """What could not be measured, and the kernel distance where that stands in."""


@dataclass(frozen=True)
class ClassTable:
    rows: tuple[ClassLine, ...]
    more: str
    """A sentence about classes that are left out, or nothing."""


def class_table(detail: Mapping[str, Any], most: int) -> ClassTable | None:
    """The `most` worst classes of detail.json; None where it has no numbers of each class.

    The order is that of the ratios; classes without one follow as they are.
    """
    classes = detail.get("classes")
    rows = classes.get("each") if isinstance(classes, Mapping) else None
    if not rows:
        return None
    ratios = [number_at(row, "fd.ratio") for row in rows]
    order = sorted(
        range(len(rows)), key=lambda index: (ratios[index] is None, -(ratios[index] or 0.0))
    )
    more = f"The other {len(rows) - most} classes are in detail.json." if len(rows) > most else ""
    return ClassTable(tuple(_line(rows[index]) for index in order[:most]), more)


def _line(row: Mapping[str, Any]) -> ClassLine:
    ratio, interval = number_at(row, "fd.ratio"), interval_of({}, row, "fd.ratio")
    left_out = row.get("left_out", {})
    notes = []
    if ratio is None and (kernel := number_at(row, "kid.value")) is not None:
        notes = [f"Kernel distance {number(kernel)}{_within(interval_of({}, row, 'kid.value'))}."]
    notes += [f"{left_out[name]}." for name in ("fd", "prdc") if name in left_out]
    return ClassLine(
        str(row.get("class", "")),
        "" if ratio is None else f"{ratio:.2f}\u00a0×",
        "" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}",
        tuple(_share(row, name) for name in SHARES),
        " ".join(notes),
    )


def _within(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({number(interval[0])} to {number(interval[1])})"


def _share(row: Mapping[str, Any], name: str) -> str:
    value, real = number_at(row, f"prdc.{name}"), number_at(row, f"prdc.real.{name}")
    if value is None:
        return ""
    return percent(value) + ("" if real is None else f" ({percent(real)})")
