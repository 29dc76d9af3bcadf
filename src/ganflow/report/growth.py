"""How the generator grew: fixed latents over the training, curves of quality and losses."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from markupsafe import Markup

from ganflow.base.files import write_bytes
from ganflow.base.images import animate, read_picture
from ganflow.report.charts import Curve, chart, short
from ganflow.report.embed import Picture, show_moving
from ganflow.report.summary import number

MOST_FRAMES = 40
COLOURS: tuple[Literal["first", "second"], ...] = ("first", "second")
MOMENT, LAST_MOMENT = 700, 1800
"""Milliseconds that a frame is shown, and how much longer the last one is."""

FINE = 90
"""WebP quality of an animation in colour; a grey one is kept without loss."""


CHARTS = (
    (
        "losses",
        {"generator_loss": "generator", "discriminator_loss": "discriminator"},
        "loss",
        "Losses of generator and discriminator over the training.",
    ),
    (
        "logits",
        {"real_logit": "real images", "fake_logit": "generated images"},
        "discriminator's mean logit",
        "How real the discriminator holds real and generated images to be.",
    ),
    (
        "penalty",
        {"penalty": "penalty"},
        "penalty",
        "What the penalty adds to the discriminator's loss.",
    ),
    (
        "learning-rate",
        {"learning_rate": "learning rate"},
        "learning rate",
        "Learning rate over the training.",
    ),
)
"""Of history.csv: name, columns with their labels, the label of the axis, the alternative text."""


def growth(training: Path, baseline: float | None) -> dict[str, Any]:
    """Gather what `data/training` tells; files that are not there are left out."""
    quality = read_columns(training / "quality.csv")
    history = read_columns(training / "history.csv")
    snapshots = zip(quality.get("images", ()), quality.get("fd", ()), strict=False)
    return {
        "moving": _moving(*moments(training)),
        "charts": [*_quality_chart(quality, baseline), *_history_charts(history)],
        "quality": [(f"{seen:,.0f}", number(distance)) for seen, distance in snapshots],
    }


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """A CSV file of numbers as float64 columns; what is no number becomes NaN."""
    if not path.is_file():
        return {}
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    if not rows:
        return {}
    return {name: np.array([_number(row[name]) for row in rows]) for name in rows[0]}


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def moments(training: Path) -> tuple[list[np.ndarray], int]:
    """The fixed latents at up to 40 moments of the training, and the images seen at the last.

    Returns:
        Grids, uint8 (H, W, C), all of one shape, in order; none where there are no pictures.
    """
    paths = sorted((training / "progress").glob("*.png"))
    if not paths:
        return [], 0
    chosen = np.unique(np.linspace(0, len(paths) - 1, MOST_FRAMES).round().astype(int))
    frames = [read_picture(paths[i]) for i in chosen]
    seen = paths[-1].stem
    return [f for f in frames if f.shape == frames[-1].shape], int(seen) if seen.isdigit() else 0


def write_animation(training: Path, path: Path) -> None:
    """Write the run as an animated WebP of its own, sharper than the page's, if there is any."""
    frames, _ = moments(training)
    if frames:
        quality = None if frames[0].shape[2] == 1 else FINE
        write_bytes(path, animate(frames, "webp", MOMENT, LAST_MOMENT, quality))


def _moving(frames: list[np.ndarray], last: int) -> Picture | None:
    if not frames:
        return None
    alt = (
        f"The same latents at {len(frames)} moments of the training, "
        f"up to {short(float(last))} real images seen."
    )
    return show_moving(frames, alt, milliseconds=MOMENT, hold=LAST_MOMENT)


def _quality_chart(quality: dict[str, np.ndarray], baseline: float | None) -> Iterator[Markup]:
    if {"images", "fd"} <= quality.keys():
        start, end = number(quality["fd"][0]), number(quality["fd"][-1])
        beside = f" The baseline is {number(baseline)}." if baseline is not None else ""
        yield chart(
            "quality",
            [Curve("generator", quality["images"], quality["fd"])],
            x_label="real images seen",
            y_label="Fréchet distance",
            alt=f"Fréchet distance over the training, from {start} to {end}.{beside}",
            baseline=baseline,
            baseline_label="baseline: real images",
            logarithmic=bool(np.nanmin(quality["fd"]) > 0),
            dots=True,
        )


def _history_charts(history: dict[str, np.ndarray]) -> Iterator[Markup]:
    for name, columns, y_label, alt in CHARTS:
        is_there = {"images", *columns} <= history.keys()
        # A learning rate that stays the same needs no chart.
        if is_there and (len(columns) > 1 or np.ptp(history[next(iter(columns))]) > 0):
            curves = [
                Curve(label, history["images"], history[column], colour)
                for (column, label), colour in zip(columns.items(), COLOURS, strict=False)
            ]
            yield chart(name, curves, x_label="real images seen", y_label=y_label, alt=alt)
