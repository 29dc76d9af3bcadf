"""The numbers of data/evaluation/metrics.json, each with its floor, as rows of a table."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganflow import layout

METRICS = layout.EVALUATION / "metrics.json"


@dataclass(frozen=True)
class Figure:
    """One metric; `floor` is what a perfect generator would score, where that is measured."""

    name: str
    value: float | str
    floor: float | None = None
    interval: tuple[float, float] | None = None


def read_figures(project: Path) -> list[Figure]:
    """The figures of the project's last evaluation; none where there is no readable file."""
    try:
        values = json.loads((project / METRICS).read_text())
    except (OSError, ValueError):
        return []
    return list(_rows(values)) if isinstance(values, Mapping) else []


def _rows(values: Mapping[str, Any], prefix: str = "") -> Iterator[Figure]:
    """A group's `value` carries its `floor`, `low` and `high` in its own row."""
    companions = {"floor", "low", "high"} if "value" in values else set()
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _rows(value, f"{prefix}{name}.")
        elif name == "value" and _is_number(value):
            yield Figure(prefix.rstrip("."), float(value), _number(values, "floor"), _span(values))
        elif name not in companions and isinstance(value, int | float | str):
            yield Figure(prefix + name, value if isinstance(value, str) else float(value))


def _number(values: Mapping[str, Any], name: str) -> float | None:
    return float(values[name]) if _is_number(values.get(name)) else None


def _span(values: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = _number(values, "low"), _number(values, "high")
    return None if low is None or high is None else (low, high)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_text(value: float | str | None) -> str:
    """A number to four significant digits, or a long hash shortened to twelve characters."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:12]
    return f"{value:.4g}" if math.isfinite(value) else "not a number"


def as_interval(interval: tuple[float, float] | None) -> str:
    return f"{as_text(interval[0])} to {as_text(interval[1])}" if interval else ""


def as_markdown(figures: list[Figure]) -> str:
    """A Markdown table of the figures."""
    lines = ["| metric | value | floor | interval |", "|---|---:|---:|---:|"]
    lines += [
        f"| {f.name} | {as_text(f.value)} | {as_text(f.floor)} | {as_interval(f.interval)} |"
        for f in figures
    ]
    return "\n".join(lines) + "\n"
