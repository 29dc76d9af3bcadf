"""Find which of a source's arrays are images and which are labels, and of which split."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.inference import Inference, Range, Values, words
from ganflow.data.readers import arrays, idx
from ganflow.data.readers.arrays import Array
from ganflow.data.readers.formats import Source
from ganflow.data.readers.labels import NO_LABEL
from ganflow.data.readers.pictures import as_bytes
from ganflow.data.splits import SPLIT_NAMES, TEST, UNDECIDED

IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels", "arr"}
LABELS = {"y", "label", "labels", "target", "targets", "classes"}
EXPECTED = "arrays such as x_train, y_train, x_test and y_test, or images and labels"
LEAST_PIXELS = 64
"""A table with at least this many columns may hold images in its rows; else, labels."""


@dataclass(frozen=True)
class Part:
    """The images of one official split, or of all."""

    source: Array
    split: int
    shape: tuple[int, int, int]
    channels_first: bool
    labels: np.ndarray
    """int32 (N,), indices into the set's classes, or `NO_LABEL`."""

    @property
    def name(self) -> str:
        """Of the file or array, for messages and rejected.csv."""
        return self.source.name

    @property
    def count(self) -> int:
        return self.source.shape[0]

    def blocks(self, rows: int, black_and_white: Range, values: Values) -> Iterator[np.ndarray]:
        """The images, uint8 (n, h, w, c), at most `rows` at a time.

        Args:
            black_and_white: what becomes 0 and 255.
            values: to which the numbers are added before they are scaled.
        """
        height, width, channels = self.shape
        for block in arrays.read_rows(self.source, rows):
            values.add(block)
            with np.errstate(invalid="ignore"):  # NaN is found in `values`
                images = as_bytes(block, black_and_white)
            if self.channels_first:
                images = images.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
            yield np.ascontiguousarray(images.reshape(-1, *self.shape))


@dataclass(frozen=True)
class ArraySet:
    parts: list[Part]
    classes: list[str]
    """Empty without labels."""

    inferred: list[Inference]


def open_set(source: Source, data: DataParams) -> ArraySet:
    """The images and labels in an idx or array source, verified against each other.

    Raises:
        DataError: naming the file or array that is missing, damaged or at odds with another.
    """
    where, expected = str(source.path), idx.CANONICAL if source.kind == "idx" else EXPECTED
    places: tuple[dict[int, Array], dict[int, Array]] = ({}, {})
    images, labels = places
    roles, inferred = _roles(source)
    for split, is_labels, array in roles:
        other = places[is_labels].setdefault(split, array)
        if other is not array:
            raise DataError(
                f"`{other.name}` and `{array.name}` may both be the "
                + ("labels" if is_labels else "images"),
                where=where,
                expected=expected,
                run="give them such names, or leave one out",
            )
    if not images:
        raise DataError("no array of images", where=where, expected=expected)
    lone = [f"`{labels[split].name}` has no images" for split in labels.keys() - images.keys()]
    lone += [f"`{images[split].name}` has no labels" for split in images.keys() - labels.keys()]
    if labels and lone:
        raise DataError(" and ".join(lone), where=where, expected=expected)
    classes: dict[str, int] = {}
    parts = []
    for split in sorted(images):
        part, layout = _part(split, images[split], labels.get(split), classes, data)
        parts.append(part)
        if layout and layout not in inferred:
            inferred.append(layout)
    if len({part.shape for part in parts}) > 1:
        shapes = ", ".join(f"{part.name} {part.shape}" for part in parts)
        raise DataError(f"images of several shapes: {shapes}", where=where, expected="one shape")
    if data.splits == "none" and len(parts) > 1:
        names = ", ".join(part.name for part in parts)
        inferred.append(
            Inference("splits", "none in the source", f"data.splits; {names} are one set")
        )
        parts = [replace(part, split=UNDECIDED) for part in parts]
    elif not isinstance(data.splits, str):
        raise DataError(
            "data.splits names folders, and this source has arrays",
            where=where,
            expected="auto, or none to make one set of all arrays",
            run="change data.splits in params.yaml",
        )
    return ArraySet(parts, list(classes), inferred)


def _roles(source: Source) -> tuple[list[tuple[int, bool, Array]], list[Inference]]:
    """Each array with its split, and whether it holds labels."""
    if source.kind == "idx":
        return [_idx_role(path, source.path.is_dir()) for path in source.files], []
    found: list[Array] = []
    for path in source.files:
        found += arrays.open_arrays(path) if source.kind == "npz" else [arrays.open_array(path)]
    if len(found) == 1:
        return [(_split(found[0]), False, found[0])], []
    named = {(_split(a), not _said(a) & IMAGES) for a in found if _said(a) & (IMAGES | LABELS)}
    roles: list[tuple[int, bool, Array]] = []
    inferred = []
    # Those whose names say nothing come last.
    for array in sorted(found, key=lambda array: not _said(array) & (IMAGES | LABELS)):
        split, rest, is_labels = _split(array), array.shape[1:], not _said(array) & IMAGES
        if not _said(array) & (IMAGES | LABELS):
            few = not rest or (len(rest) == 1 and rest[0] < LEAST_PIXELS)
            is_labels = array.dtype.kind in "US" or few
            taken = is_labels and (split, True) in named
            name, seen = array.name[:100], f"is {array.dtype} {array.shape}"
            value = f"`{name}` is not used" if taken else "labels" if is_labels else "images"
            inferred.append(Inference("arrays", value, f"`{name}` {seen}"))
            if taken:
                continue
        roles.append((split, is_labels, array))
    return roles, inferred


def _idx_role(path: Path, in_folder: bool) -> tuple[int, bool, Array]:
    is_test, is_labels = idx.role(path) if in_folder else (False, False)
    array = idx.open_array(path, (1,) if is_labels else (3, 4))
    return TEST if is_test else UNDECIDED, is_labels, array


def _said(array: Array) -> set[str]:
    """The words of an array's name."""
    return set(words(array.name.rsplit("/", 1)[-1]))


def _split(array: Array) -> int:
    said = words(array.name.rsplit("/", 1)[-1])
    return next((SPLIT_NAMES[word] for word in said if word in SPLIT_NAMES), UNDECIDED)


def _part(
    split: int, images: Array, labels: Array | None, classes: dict[str, int], data: DataParams
) -> tuple[Part, Inference | None]:
    if labels is not None and labels.shape[0] != images.shape[0]:
        raise DataError(
            f"{images.shape[0]} images in `{images.name}`, {labels.shape[0]} labels in "
            f"`{labels.name}`",
            where=str(labels.path),
            expected=f"one label for each image: {images.shape[0]}",
            run="check that neither was swapped for that of the other split",
        )
    shape, channels_first, layout = arrays.image_shape(images, data)
    if data.labels == "ignore" and data.classes == "all":
        labels = None
    if labels is None:
        ids = np.full(images.shape[0], NO_LABEL, np.int32)
    else:
        ids = arrays.read_labels(labels, classes)
    return Part(images, split, shape, channels_first, ids), layout
