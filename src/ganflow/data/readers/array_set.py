"""Which of a source's arrays holds what: images or labels, of which split."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers import arrays, idx, idx_set
from ganflow.data.readers.arrays import Array
from ganflow.data.readers.formats import Source
from ganflow.data.readers.labels import SPLIT_NAMES
from ganflow.data.readers.limits import MAX_CLASSES
from ganflow.data.readers.listing import class_fault
from ganflow.data.splits import TEST, UNDECIDED

IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels", "arr"}
LABELS = {"y", "label", "labels", "target", "targets", "classes"}
EXPECTED = "arrays such as x_train, y_train, x_test and y_test, or images and labels"


@dataclass(frozen=True)
class Part:
    """The images of one official split, or of all."""

    name: str
    """Of the file or array, for messages and rejected.csv."""

    split: int
    count: int
    shape: tuple[int, int, int]
    labels: np.ndarray | None
    """int32 (N,), indices into the set's classes."""

    source: Array | idx_set.Pair
    values: str

    def blocks(self, rows: int) -> Iterator[np.ndarray]:
        """The images, uint8 (n, h, w, c) with 1 or 3 channels, at most `rows` at a time."""
        if isinstance(self.source, Array):
            for block in arrays.read_rows(self.source, rows):
                images = arrays.as_bytes(block, self.values).reshape(-1, *self.shape)
                yield images[..., :3] if self.shape[2] == 4 else images
        else:
            yield from idx.read_images(self.source.images, rows)


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
    if source.kind == "idx":
        return _idx(source)
    found = [
        array
        for path in source.files
        for array in (
            arrays.open_arrays(path) if source.kind == "npz" else [arrays.open_array(path)]
        )
    ]
    return _arrays(found, source.path)


def _idx(source: Source) -> ArraySet:
    if source.path.is_file():
        shape = idx.read_shape(source.path, (3, 4))
        pairs = [idx_set.Pair("train", source.path, shape, None)]
    else:
        pairs = idx_set.find_pairs(source.path, source.files)
    given = [pair.labels for pair in pairs if pair.labels is not None]
    values = np.unique(np.concatenate(given)) if given else np.empty(0, np.uint8)
    parts = []
    for pair in pairs:
        count, height, width, channels = (*pair.shape, 1)[:4]
        labels = None
        if pair.labels is not None:
            labels = np.searchsorted(values, pair.labels).astype(np.int32)
        split = TEST if pair.split == "test" else UNDECIDED
        shape = (height, width, channels)
        parts.append(Part(pair.images.name, split, count, shape, labels, pair, "0..255"))
    return ArraySet(parts, [str(value) for value in values])


def _arrays(found: list[Array], where: Path) -> ArraySet:
    images: dict[int, Array] = {}
    labels: dict[int, Array] = {}
    for array in found:
        split, is_labels = _role(array, alone=len(found) == 1)
        place = labels if is_labels else images
        if split in place:
            raise DataError(
                f"`{place[split].name}` and `{array.name}` would both be the same part",
                where=str(where),
                expected=EXPECTED,
            )
        place[split] = array
    if not images:
        raise DataError("no array of images", where=str(where), expected=EXPECTED)
    if labels and labels.keys() != images.keys():
        odd = [
            a.name
            for s, a in [*images.items(), *labels.items()]
            if s not in images or s not in labels
        ]
        raise DataError(
            f"images without labels or labels without images: {', '.join(odd)}",
            where=str(where),
            expected=EXPECTED,
        )
    classes: dict[str, int] = {}
    parts = [_part(split, images[split], labels.get(split), classes) for split in images]
    if len({part.shape for part in parts}) > 1:
        shapes = ", ".join(f"{part.name} {part.shape}" for part in parts)
        raise DataError(f"images of several shapes: {shapes}", where=str(where), expected="one")
    return ArraySet(parts, list(classes))


def _part(split: int, images: Array, labels: Array | None, classes: dict[str, int]) -> Part:
    shape = arrays.image_shape(images)
    ids = None
    if labels is not None:
        if labels.shape[0] != images.shape[0]:
            raise DataError(
                f"{images.shape[0]} images in `{images.name}`, {labels.shape[0]} labels in "
                f"`{labels.name}`",
                where=str(labels.path),
                expected="one label for each image",
            )
        local, names = arrays.read_labels(labels)
        for name in names:
            if class_fault(name):
                raise DataError(f"`{labels.name}`: {class_fault(name)}", where=str(labels.path))
        ids = np.array([classes.setdefault(name, len(classes)) for name in names], np.int32)[local]
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"`{labels.name}` holds more than {MAX_CLASSES} different labels",
                where=str(labels.path),
                expected="classes",
            )
    values = arrays.value_range(images)
    return Part(images.name, split, images.shape[0], shape, ids, images, values)


def _role(array: Array, alone: bool) -> tuple[int, bool]:
    words = re.findall(r"[a-z]+|t10k", array.name.rsplit("/", 1)[-1].lower())
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
