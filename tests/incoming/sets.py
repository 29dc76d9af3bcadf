"""Small sets of pictures in the folders of their classes, and what is planted in them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ganflow.base.images import write_png
from ganflow.base.store import Store, open_store
from ganflow.config.data import DataParams
from ganflow.data.prepare import prepare

SIDE = 12


def blobs(count: int, column: int, seed: int, gain: float = 1.0) -> np.ndarray:
    """Noisy pictures with a bright column: uint8 (count, 12, 12, 1)."""
    values = np.random.default_rng(seed).normal(60, 20, (count, SIDE, SIDE, 1))
    values[:, :, column - 1 : column + 2] += 120
    return np.clip(np.round(values * gain), 0, 255).astype(np.uint8)


def write_pictures(folder: Path, classes: Mapping[str, np.ndarray]) -> None:
    """Write each class into a folder of its name; "" is the folder itself."""
    for name, images in classes.items():
        for number, image in enumerate(images):
            write_png(folder / name / f"{number:03}.png", image)


def prepared(project: Path) -> Store:
    """A project's store of 400 pictures in the classes `left` and `right`."""
    raw = project / "data/raw/blobs"
    write_pictures(raw, {"left": blobs(200, 3, 0), "right": blobs(200, 8, 1)})
    (project / "params.yaml").write_text("data: {source: blobs}\n")
    folder = project / "data/prepared"
    folder.mkdir(parents=True)
    prepare(DataParams(source="blobs"), raw.parent, folder, workers=0)
    return open_store(folder)
