"""Read what has arrived as `prepare` would, in the form of the prepared set."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.prepare import read_rows
from ganflow.data.readers.formats import recognise
from ganflow.data.readers.gathering import Gathered, gather
from ganflow.data.rejects import Reject, Rejects

EVERYTHING = 1.0
"""The share of files that may be unusable here: how many are is what is asked."""


@dataclass(frozen=True)
class Arrivals:
    """N images that can be used, and the files that cannot."""

    files: int
    """Images that there would be if every file could be used."""

    images: np.ndarray
    """uint8 (N, h, w, c), in the form of the prepared set."""

    classes: np.ndarray | None
    """The name of each image's class (N,), from its folder or label; None without."""

    rejected: tuple[Reject, ...]

    digest: int
    """Of names and contents."""


def read_arrivals(
    folder: Path, data: DataParams, card: Mapping[str, Any] | None = None
) -> Arrivals:
    """Read all images below `folder`; what cannot be read is among the rejected.

    Args:
        data: the project's section.
        card: of the prepared set, whose size and mode the images get; None for those of `data`.
    """
    rejects = Rejects(folder, EVERYTHING)
    form: dict[str, Any] = {"classes": "all", "splits": "none" if data.splits == "none" else "auto"}
    if card:
        height, width, channels = card["shape"]
        form |= {"resolution": [height, width], "mode": "L" if channels == 1 else "RGB"}
        form |= {"background": card["form"]["background"]}
    asked = data.model_copy(update=form)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with gather(recognise(folder), asked, Path(scratch), rejects, workers=0) as gathered:
                rows = np.flatnonzero(gathered.findings["usable"])
                with gathered.rows.open("rb") as stream:
                    images = read_rows(stream, rows, gathered.form.shape)
                digest = int(gathered.sha256, 16)
                classes = _classes(gathered, rows)
        except DataError as error:  # of all files together: none of them can be used
            if not rejects.faults:
                rejects.add(Reject(".", "unreadable", error.what.partition("\n")[0]))
            shape = tuple(card["shape"]) if card else (1, 1, 1)
            images, classes, digest = np.empty((0, *shape), np.uint8), None, 0
    faults = tuple(reject for reject in sorted(rejects.rows) if reject.is_fault)
    return Arrivals(len(images) + len(faults), images, classes, faults, digest)


def _classes(gathered: Gathered, rows: np.ndarray) -> np.ndarray | None:
    """The class of each image; the readers take no folder for a class that all images are in."""
    if gathered.classes:
        names: np.ndarray = np.array(gathered.classes)[gathered.labels[rows]]
        return names
    shared = {Path(gathered.name(row)).parts[:-1][:1] for row in rows.tolist()}
    return np.full(len(rows), shared.pop()[0]) if len(shared) == 1 and () not in shared else None
