"""The files of an evaluation: metrics.json, detail.json, and the plots."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.files import write_json, write_text
from ganflow.base.images import image_grid, write_png
from ganflow.base.store import Split
from ganflow.features.neighbours import nearest_few
from ganflow.metrics.suite import Findings, Seen

DIGITS = 6
"""Significant digits of every number."""

SHOWN = 100
PAGE_ROWS, PAGE_NEIGHBOURS = 10, 5


def evaluator_id(hashes: list[str], test: Split) -> str:
    """The id of an evaluator: 16 hex digits of a hash of its weights' hashes and the test split."""
    digest = hashlib.sha256("\n".join(hashes).encode())
    digest.update(np.ascontiguousarray(test.images).data)
    if test.labels is not None:
        digest.update(np.ascontiguousarray(test.labels).data)
    return digest.hexdigest()[:16]


def write_findings(
    folder: Path, findings: Findings, classes: Sequence[str], names: Mapping[str, str]
) -> None:
    """Write metrics.json, detail.json, and a CSV file for each plot.

    Args:
        names: what both JSON files say besides numbers: the profile and the evaluator's id.
    """
    write_json(folder / "metrics.json", {**rounded(findings.metrics), **names})
    write_json(folder / "detail.json", {**rounded(findings.detail), **names})
    plots = folder / "plots"
    for name, rows in findings.tables.items():
        if name == "classes":
            rows = [{**row, "class": classes[row["class"]]} for row in rows]
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rounded(rows))
        write_text(plots / f"{name}.csv", text.getvalue())


def rounded(value: Any) -> Any:
    """The value with every number in it rounded to `DIGITS`."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def write_pictures(
    folder: Path,
    findings: Findings,
    samples: np.ndarray,
    labels: np.ndarray | None,
    generated: Seen,
    train: Split,
    real: Seen,
) -> None:
    """Write samples.png, with a row for each class, and neighbours.png.

    Each row of neighbours.png is a sample and the training images nearest to it by features: first
    for the samples nearest to any training image, then for the first samples.
    """
    write_png(
        folder / "samples.png", image_grid(np.asarray(samples[_shown(labels, len(samples))]), 10)
    )
    if findings.memorization is None:
        return
    closest = np.argsort(findings.memorization.distances, kind="stable")[:PAGE_ROWS]
    rows = np.concatenate([closest, np.arange(PAGE_ROWS)])
    alike = nearest_few(generated.features[rows], real.features, PAGE_NEIGHBOURS)
    page = [
        image
        for row, near in zip(rows, alike, strict=True)
        for image in (
            samples[row],
            np.full_like(samples[row], 128),
            *train.images[np.sort(near)][np.argsort(np.argsort(near))],
        )
    ]
    write_png(folder / "neighbours.png", image_grid(np.stack(page), 2 + PAGE_NEIGHBOURS))


def _shown(labels: np.ndarray | None, count: int) -> np.ndarray:
    """Positions of the samples to show: the first ones, sorted by label if there are up to ten."""
    rows = np.arange(min(SHOWN, count))
    if labels is None or labels.max() >= 10:
        return rows
    kinds = np.unique(labels)
    each = SHOWN // len(kinds)
    return np.concatenate([np.flatnonzero(labels == kind)[:each] for kind in kinds])


def print_findings(findings: Findings) -> None:
    """Print a line for each family, and one for each doubt."""
    for family, numbers in findings.metrics.items():
        told = (_told(findings.detail[family], name, value) for name, value in numbers.items())
        print(f"{family}: " + ", ".join(told))
    for doubt in findings.detail.get("doubts", []):
        print(f"doubt: {doubt}")


def _told(detail: Mapping[str, Any], name: str, value: float) -> str:
    """A number with its interval, if it has one."""
    bounds = detail.get("interval" if name == "value" else f"{name}_interval")
    return f"{name} {value:.4g}" + ("" if bounds is None else " ({:.3g} to {:.3g})".format(*bounds))
