"""What an evaluation writes: metrics.json, detail.json, and tables and pictures in plots/."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.files import write_json, write_text
from ganflow.base.images import image_grid, write_png
from ganflow.base.store import Split
from ganflow.metrics.suite import Findings

DIGITS = 6  # significant, of every number that is written
SHOWN = 100


def write_findings(
    folder: Path, findings: Findings, classes: Sequence[str], names: Mapping[str, str]
) -> None:
    """Write both JSON files, which also hold `names`, and one CSV file a table."""
    write_json(folder / "metrics.json", {**_rounded(findings.metrics), **names})
    write_json(folder / "detail.json", {**_rounded(findings.detail), **names})
    for name, rows in findings.tables.items():
        if name == "classes":
            rows = [{**row, "class": classes[row["class"]]} for row in rows]
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(_rounded(rows))
        write_text(folder / "plots" / f"{name}.csv", text.getvalue())


def write_pictures(folder: Path, findings: Findings, samples: Split, train: Split) -> None:
    """`samples.png`, a row for each class if they have any; `neighbours.png`, each row a sample
    and the training images most like it: first the samples nearest to any, then the first ones."""
    images = samples.images
    shown = np.asarray(images[_shown(samples.labels, len(images))])
    write_png(folder / "samples.png", image_grid(shown, 10))
    if findings.neighbours is None:
        return
    page = []
    for row, near in zip(findings.neighbours.rows, findings.neighbours.nearest, strict=True):
        in_order = np.argsort(np.argsort(near))  # a memory map is read in its own order
        page += [
            images[row],
            np.full_like(images[row], 128),
            *train.images[np.sort(near)][in_order],
        ]
    columns = 2 + findings.neighbours.nearest.shape[1]
    write_png(folder / "neighbours.png", image_grid(np.stack(page), columns))


def summary_lines(findings: Findings) -> Iterator[str]:
    """A line for each family and for each doubt, as the stage prints them."""
    for family, numbers in findings.metrics.items():
        told = (_told(findings.detail[family], name, value) for name, value in numbers.items())
        yield f"{family}: " + ", ".join(told)
    for doubt in findings.detail.get("doubts", []):
        yield f"doubt: {doubt}"


def _told(detail: Mapping[str, Any], name: str, value: float) -> str:
    """A number as it is printed: with its interval, where it has one of its own."""
    bounds = detail.get("interval" if name == "value" else f"{name}_interval")
    return f"{name} {value:.4g}" + ("" if bounds is None else " ({:.3g} to {:.3g})".format(*bounds))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _shown(labels: np.ndarray | None, count: int) -> np.ndarray:
    """The first hundred samples, sorted by label where there are up to ten of these."""
    rows = np.arange(min(SHOWN, count))
    if labels is None or labels.max() >= 10:
        return rows
    kinds = np.unique(labels)
    each = SHOWN // len(kinds)
    return np.concatenate([np.flatnonzero(labels == kind)[:each] for kind in kinds])
