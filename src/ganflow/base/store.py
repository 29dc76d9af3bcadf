"""The prepared store: images as memory-mapped uint8, labels beside them, and a card.

    train/images.npy     uint8 (N, h, w, c)       validation/, test/ alike
    train/labels.npy     int64 (N,), only where there are labels
    dataset.json         the card: source, shape, classes, counts, statistics
    rejected.csv         what was not used, and why

The images of a split stand in the order of their content's hash, so that every prefix is a
fair sample whatever the order of the source was.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, get_args

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import read_array, read_json

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
            "this is no data card",
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


class ArrayWriter:
    """Writes a `.npy` file row by row: memory holds one block, whatever the file's size.

    The header has a fixed size; the number of rows is filled in at the end.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype
        self.rows = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stream: BinaryIO = path.open("wb")
        self.stream.write(self._header())

    def append(self, block: np.ndarray) -> None:
        """Add rows: (n, *shape), of exactly this writer's type."""
        if block.dtype != self.dtype or block.shape[1:] != self.shape:
            raise ValueError(f"{block.dtype} {block.shape} does not continue {self.shape}")
        self.stream.write(np.ascontiguousarray(block).data)
        self.rows += len(block)

    def close(self) -> None:
        self.stream.seek(0)
        self.stream.write(self._header())
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def _header(self) -> bytes:
        """Version 1.0 of the format: padded to 192 bytes, a multiple of 64 as it asks."""
        text = repr(
            {
                "descr": np.lib.format.dtype_to_descr(self.dtype),
                "fortran_order": False,
                "shape": (self.rows, *self.shape),
            }
        )
        return b"\x93NUMPY\x01\x00" + (182).to_bytes(2, "little") + text.ljust(181).encode() + b"\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.stream.close()
