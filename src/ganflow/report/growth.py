"""How the generator grew: fixed latents over the training, curves of quality and losses."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ganflow.report.charts import Curve, chart, short
from ganflow.report.embed import Picture, show_moving
from ganflow.report.grid import read_picture
from ganflow.report.verdict import number

MOST_FRAMES = 40


@dataclass(frozen=True)
class Growth:
    moving: Picture | None
    charts: tuple[Markup, ...]
    quality: tuple[tuple[str, str], ...]
    """Images seen and Fréchet distance at each snapshot, as texts."""


def growth(training: Path, floor: float | None) -> Growth:
    """Gather what `data/training` tells; files that are not there are left out."""
    quality = read_columns(training / "quality.csv")
    history = read_columns(training / "history.csv")
    return Growth(
        _moving(sorted((training / "progress").glob("*.png"))),
        tuple(_charts(quality, history, floor)),
        tuple(
            (f"{seen:,.0f}", number(distance))
            for seen, distance in zip(
                quality.get("images", ()), quality.get("fd", ()), strict=False
            )
        ),
    )


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


def _moving(paths: list[Path]) -> Picture | None:
    if not paths:
        return None
    chosen = np.unique(np.linspace(0, len(paths) - 1, MOST_FRAMES).round().astype(int))
    frames = [read_picture(paths[i]) for i in chosen]
    frames = [frame for frame in frames if frame.shape == frames[-1].shape]
    last = paths[-1].stem.lstrip("0") or "0"
    alt = (
        f"The same latents at {len(frames)} moments of the training, "
        f"up to {short(float(last)) if last.isdigit() else last} real images seen."
    )
    return show_moving(frames, alt, milliseconds=700, hold=1800)


def _charts(
    quality: dict[str, np.ndarray], history: dict[str, np.ndarray], floor: float | None
) -> Iterable[Markup]:
    seen = quality.get("images")
    if seen is not None and "fd" in quality:
        start, end = number(quality["fd"][0]), number(quality["fd"][-1])
        beside = f" The floor is {number(floor)}." if floor is not None else ""
        yield chart(
            "quality",
            [Curve("generator", seen, quality["fd"])],
            x_label="real images seen",
            y_label="Fréchet distance",
            alt=f"Fréchet distance over the training, from {start} to {end}.{beside}",
            floor=floor,
            floor_label="floor: real images",
            logarithmic=bool(np.nanmin(quality["fd"]) > 0),
            dots=True,
        )
    seen = history.get("images")
    if seen is None:
        return
    if {"generator_loss", "discriminator_loss"} <= history.keys():
        yield chart(
            "losses",
            [
                Curve("generator", seen, history["generator_loss"]),
                Curve("discriminator", seen, history["discriminator_loss"], "second"),
            ],
            x_label="real images seen",
            y_label="loss",
            alt="Losses of generator and discriminator over the training.",
        )
    if {"real_logit", "fake_logit"} <= history.keys():
        yield chart(
            "logits",
            [
                Curve("real images", seen, history["real_logit"]),
                Curve("generated images", seen, history["fake_logit"], "second"),
            ],
            x_label="real images seen",
            y_label="discriminator's mean logit",
            alt="How real the discriminator holds real and generated images to be.",
        )
    if "learning_rate" in history and np.ptp(history["learning_rate"]) > 0:
        yield chart(
            "learning-rate",
            [Curve("learning rate", seen, history["learning_rate"])],
            x_label="real images seen",
            y_label="learning rate",
            alt="Learning rate over the training.",
        )
