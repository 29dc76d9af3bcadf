"""The prepared store: images as memory-mapped uint8, labels beside them, and a card.

    train/images.npy     uint8 (N, h, w, c)       validation/, test/ alike
    train/labels.npy     int64 (N,), only where there are labels
    dataset.json         the card: source, shape, classes, counts, statistics
    rejected.csv         files that were not used, and why

The images of a split are in the order of their content's hash, so that every prefix is a random
sample whatever the order of the source was.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ganflow.base.errors import DataError
from ganflow.base.files import read_array, read_json, writing

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
CARD = "dataset.json"


@dataclass(frozen=True)
class Split:
    images: np.ndarray
    """uint8 (N, h, w, c), mapped: only what is indexed is read."""

    labels: np.ndarray | None
    """int64 (N,), indices into the store's classes; None without labels."""


@dataclass(frozen=True)
class Store:
    folder: Path
    card: dict[str, Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.card["shape"]
        return height, width, channels

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names in the order of their indices; empty without labels."""
        return tuple(self.card.get("classes", ()))

    def split(self, name: SplitName) -> Split:
        """The images and labels of `name`.

        Raises:
            DataError: when they are missing or at odds with the card.
        """
        images = read_array(self.folder / name / "images.npy")
        labels = None
        if self.classes:
            labels = np.asarray(read_array(self.folder / name / "labels.npy"))
            if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
                raise _at_odds(self.folder / name / "labels.npy", labels, "int64", images.shape[:1])
        shape = (self.card["splits"][name], *self.shape)
        if images.dtype != np.uint8 or images.shape != shape:
            raise _at_odds(self.folder / name / "images.npy", images, "uint8", shape)
        return Split(images, labels)


def open_store(folder: Path) -> Store:
    """Open the store that `prepare` wrote into `folder`.

    Raises:
        DataError: when there is none, or its card is damaged.
    """
    path = folder / CARD
    card = read_json(path)
    if not (isinstance(card, dict) and {"source", "shape", "splits", "sha256"} <= card.keys()):
        raise DataError(
            "this is not a data card",
            where=str(path),
            expected="source, shape, splits and sha256",
            run="dvc repro prepare",
        )
    return Store(folder, card)


def _at_odds(path: Path, array: np.ndarray, dtype: str, shape: tuple[int, ...]) -> DataError:
    return DataError(
        f"{array.dtype} {array.shape} is at odds with {CARD}",
        where=str(path),
        expected=f"{dtype} {shape}",
        run="dvc repro --force prepare",
    )


@contextmanager
def writing_array(
    path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike
) -> Iterator[Callable[[np.ndarray], None]]:
    """Write a `.npy` file block by block: memory holds one block, whatever the file's size.

    Yields:
        a function that appends rows, (n, *shape[1:]) of exactly this type.

    Raises:
        ValueError: for a block that does not continue the array, or too few or too many rows.
    """
    form = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    rows = 0

    def append(block: np.ndarray) -> None:
        nonlocal rows
        if block.dtype != dtype or block.shape[1:] != shape[1:]:
            raise ValueError(f"{block.dtype} {block.shape} does not continue {shape}")
        stream.write(np.ascontiguousarray(block).data)
        rows += len(block)

    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path), path.open("wb") as stream:
        # Version 1.0 of the format: padded to 192 bytes, a multiple of 64 as it asks.
        stream.write(b"\x93NUMPY\x01\x00" + (182).to_bytes(2, "little"))
        stream.write(repr(form).ljust(181).encode() + b"\n")
        yield append
        if rows != shape[0]:
            raise ValueError(f"{rows} rows do not make {shape}")
        stream.flush()
        os.fsync(stream.fileno())
