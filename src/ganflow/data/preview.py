"""Show what `prepare` would make of a source: a table and a contact sheet."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ganflow.base.images import image_grid, write_png
from ganflow.base.store import SPLITS, Store, open_store
from ganflow.config.data import DataParams
from ganflow.data.inference import Inference
from ganflow.data.prepare import prepare
from ganflow.data.rejects import REJECTED, printable

COLUMNS, ROWS = 16, 8
MAX_SHOWN = 10


def show(data: DataParams, raw: Path, picture: Path, console: Console | None = None) -> None:
    """Prepare `data` as the pipeline would, in a temporary folder, and show the result.

    Args:
        raw: the folder that `data.source` is a name in.
        picture: the PNG to write, training images in columns by class.
        console: where the table goes; standard output if None.

    Raises:
        DataError: as `prepare` raises.
    """
    console = console or Console()
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=picture.parent) as folder:
        place = Path(folder)
        prepare(data, raw, place)
        store = open_store(place)
        write_png(picture, contact_sheet(store))
        console.print(table(store.card))
        rejected = (place / REJECTED).read_text().splitlines()[1:]
    for line in rejected[:MAX_SHOWN]:
        console.print(f"not used: {line}", markup=False, highlight=False)
    if len(rejected) > MAX_SHOWN:
        console.print(f"and {len(rejected) - MAX_SHOWN} more")


def table(card: dict[str, Any]) -> Table:
    """The data card as a table of two columns."""
    height, width, channels = card["shape"]
    classes = [printable(name) for name in card.get("classes", [])]
    shown = ", ".join(classes[:MAX_SHOWN]) + (", …" if len(classes) > MAX_SHOWN else "")
    copies, near = card["duplicates"], card.get("near_duplicates")
    statistics = card["statistics"]
    means = zip(statistics["mean"], statistics["std"], strict=True)
    rows = {
        "source": f"{card['source']} ({card['format']})",
        "SHA-256": card["sha256"],
        "images": f"{width} × {height}, {'grey' if channels == 1 else 'RGB'}",
        **{
            str(name): f"{card['splits'][name]:,}"
            + " (the source's own split)" * (name in card["official_splits"])
            for name in SPLITS
        },
        "classes": f"{len(classes)}: {shown}" if classes else "none (no labels)",
        "mean ± spread": ", ".join(f"{mean:.1f} ± {spread:.1f}" for mean, spread in means),
        "copies": f"{copies['copies']}, {copies['dropped']} dropped from another split's images",
        "look-alikes": f"{near['pairs']} pairs, {near['across_splits']} across splits"
        if near
        else "not looked for",
        "not used": ", ".join(f"{n} {kind}" for kind, n in card["rejected"]["kinds"].items())
        or "0",
    }
    shape = Table(show_header=False, title="What the pipeline makes of it", title_justify="left")
    inferred = [("", str(Inference(**entry))) for entry in card["inferred"]]
    for name, value in [*rows.items(), *inferred]:
        shape.add_row(name, value.replace("[", r"\["))
    return shape


def contact_sheet(store: Store) -> np.ndarray:
    """Training images, up to eight in a column for each class: uint8 (8·h, up to 16·w, c)."""
    split = store.split("train")
    if split.labels is None:
        members = np.arange(min(ROWS * COLUMNS, len(split.images)))
        columns = np.array_split(members, min(COLUMNS, len(members)))
    else:
        classes = min(COLUMNS, len(store.classes))
        columns = [np.flatnonzero(split.labels == label)[:ROWS] for label in range(classes)]
    cells = np.zeros((ROWS, len(columns), *store.shape), np.uint8)
    for column, members in enumerate(columns):
        cells[: len(members), column] = split.images[members]
    return image_grid(cells.reshape(-1, *store.shape), len(columns), gap=0)
