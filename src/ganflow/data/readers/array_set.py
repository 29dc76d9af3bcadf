"""Find which of a source's arrays are images and which are labels, and of which split."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers import arrays, idx
from ganflow.data.readers.arrays import Array
from ganflow.data.readers.formats import Source
from ganflow.data.readers.labels import SPLIT_NAMES
from ganflow.data.splits import TEST, UNDECIDED

IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels", "arr"}
LABELS = {"y", "label", "labels", "target", "targets", "classes"}
EXPECTED = "arrays such as x_train, y_train, x_test and y_test, or images and labels"


@dataclass(frozen=True)
class Part:
    """The images of one official split, or of all."""

    source: Array
    split: int
    shape: tuple[int, int, int]
    labels: np.ndarray | None
    """int32 (N,), indices into the set's classes."""

    values: str
    """The range of its numbers, as `arrays.value_range` names it."""

    @property
    def name(self) -> str:
        """Of the file or array, for messages and rejected.csv."""
        return self.source.name

    @property
    def count(self) -> int:
        return self.source.shape[0]

    def blocks(self, rows: int) -> Iterator[np.ndarray]:
        """The images, uint8 (n, h, w, c) with 1 or 3 channels, at most `rows` at a time."""
        for block in arrays.read_rows(self.source, rows):
            images = arrays.as_bytes(block, self.values).reshape(-1, *self.shape)
            yield images[..., :3] if self.shape[2] == 4 else images


@dataclass(frozen=True)
class ArraySet:
    parts: list[Part]
    classes: list[str]
    """Empty without labels."""


def open_set(source: Source) -> ArraySet:
    """The images and labels in an idx or array source, verified against each other.

    Raises:
        DataError: naming the file or array that is missing, damaged or at odds with another.
    """
    where, expected = str(source.path), idx.CANONICAL if source.kind == "idx" else EXPECTED
    images: dict[int, Array] = {}
    labels: dict[int, Array] = {}
    for split, is_labels, array in _roles(source):
        place = labels if is_labels else images
        if split in place:
            raise DataError(
                f"`{place[split].name}` and `{array.name}` are both the same part",
                where=where,
                expected=expected,
            )
        place[split] = array
    if not images:
        raise DataError("no array of images", where=where, expected=expected)
    if labels:
        lone = [f"`{labels[split].name}` has no images" for split in labels.keys() - images.keys()]
        lone += [f"`{images[split].name}` has no labels" for split in images.keys() - labels.keys()]
        if lone:
            raise DataError(" and ".join(lone), where=where, expected=expected)
    classes: dict[str, int] = {}
    parts = [_part(split, images[split], labels.get(split), classes) for split in sorted(images)]
    if len({part.shape for part in parts}) > 1:
        shapes = ", ".join(f"{part.name} {part.shape}" for part in parts)
        raise DataError(f"images of several shapes: {shapes}", where=where, expected="one shape")
    return ArraySet(parts, list(classes))


def _roles(source: Source) -> Iterator[tuple[int, bool, Array]]:
    """Each array with its split, and whether it holds labels."""
    if source.kind == "idx":
        for path in source.files:
            is_test, is_labels = idx.role(path) if source.path.is_dir() else (False, False)
            array = idx.open_array(path, (1,) if is_labels else (3, 4))
            yield TEST if is_test else UNDECIDED, is_labels, array
        return
    found: list[Array] = []
    for path in source.files:
        found += arrays.open_arrays(path) if source.kind == "npz" else [arrays.open_array(path)]
    for array in found:
        split, is_labels = _role(array, alone=len(found) == 1)
        yield split, is_labels, array


def _role(array: Array, alone: bool) -> tuple[int, bool]:
    words = re.findall(r"[a-z]+", array.name.rsplit("/", 1)[-1].lower())
    split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), UNDECIDED)
    if alone or IMAGES & set(words):
        return split, False
    if LABELS & set(words):
        return split, True
    raise DataError(
        f"the array `{array.name[:100]}` says neither images nor labels",
        where=str(array.path),
        expected=EXPECTED,
    )


def _part(split: int, images: Array, labels: Array | None, classes: dict[str, int]) -> Part:
    shape = arrays.image_shape(images)
    if labels is not None and labels.shape[0] != images.shape[0]:
        raise DataError(
            f"{images.shape[0]} images in `{images.name}`, {labels.shape[0]} labels in "
            f"`{labels.name}`",
            where=str(labels.path),
            expected=f"one label for each image: {images.shape[0]}",
            run="check that neither was swapped for that of the other split",
        )
    ids = None if labels is None else arrays.read_labels(labels, classes)
    return Part(images, split, shape, ids, arrays.value_range(images))
