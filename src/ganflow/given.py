"""What a caller of the Python interface gives: images as arrays or by path, and labels."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ganflow.base.errors import DataError, ParameterError
from ganflow.base.files import write_array
from ganflow.base.store import Store
from ganflow.config.data import DataParams
from ganflow.data.prepare import read_rows
from ganflow.data.readers.array_set import open_set
from ganflow.data.readers.decoding import read_entry
from ganflow.data.readers.formats import Source, recognise
from ganflow.data.readers.gathering import ARRAYS, Gathered, gather
from ganflow.data.readers.labels import NO_LABEL
from ganflow.data.readers.picture_set import list_pictures
from ganflow.data.readers.pictures import UnusableError, read_size
from ganflow.data.rejects import Rejects

BYTES = np.dtype(np.uint8)

Size = tuple[int, int]


def source_of(images: Any, labels: npt.ArrayLike | None, folder: Path) -> Path:
    """Where the readers of `prepare` find these images: their path, or `folder`, written here.

    Raises:
        DataError: there is nothing at the path, or these are no arrays of images and labels.
    """
    if isinstance(images, str | os.PathLike):
        path = Path(images).expanduser().resolve()
        if not path.exists():
            raise DataError(
                "there is nothing here",
                where=str(path),
                expected="a folder of pictures, an archive of them, or array files",
            )
        if labels is not None:
            raise DataError(
                "labels beside the path of images",
                where=str(path),
                expected="the labels of a path in it: sub-folders, a labels.csv, or an array",
                run="leave the argument out",
            )
        return path
    array = _array(images, "images", "bufi", "numbers, as uint8 from 0 to 255")
    if array.ndim < 2 or len(array) < 2:
        raise DataError(
            f"images of shape {array.shape}",
            where="the argument images",
            expected="several images: (N, height, width) or (N, height, width, 1 or 3)",
        )
    write_array(folder / "images.npy", array)
    if labels is not None:
        given = _array(labels, "labels", "biufUS", "whole numbers or text")
        if given.shape[:1] != array.shape[:1]:
            raise DataError(
                f"labels of shape {given.shape} for {len(array)} images",
                where="the argument labels",
                expected=f"one label for each image: {len(array)}",
            )
        write_array(folder / "labels.npy", given)
    return folder


def read_pictures(
    generated: Any, labels: npt.ArrayLike | None, store: Store, folder: Path, resize: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """All images that a generator made, in the form of a prepared set.

    Args:
        labels: a class of the store for each image; None takes those of a path, if they are
            classes of the store.
        folder: a new one, for data too large for memory.
        resize: whether images of another size are resized.

    Returns:
        uint8 (N, H, W, C), in the order of the source, and class indices (N,) or None.

    Raises:
        DataError: they cannot be read, or are not like the real ones.
    """
    place = source_of(generated, None, folder / "given")
    where = "the argument generated" if place.is_relative_to(folder) else str(place)
    source, rejects = recognise(place), Rejects(place, DataParams().max_rejected)
    height, width, channels = store.shape
    form = DataParams(
        resolution=[height, width], splits="none", mode="RGB" if channels == 3 else "auto"
    )
    (folder / "listing").mkdir(parents=True)
    (folder / "rows").mkdir()
    if source.kind not in ARRAYS and not resize:
        _check_sizes(_sizes(source, folder / "listing"), (height, width), where)
    if source.kind in ARRAYS and {a.source.dtype for a in open_set(source, form).parts} == {BYTES}:
        form = form.model_copy(update={"range": [0, 255]})  # however dark they are
    try:
        with gather(source, form, folder / "rows", rejects, workers=0) as gathered:
            if gathered.stored and not resize:
                _check_sizes({gathered.stored[:2]}, (height, width), where)
            if gathered.form.shape != store.shape:
                raise DataError(
                    "these images have colours, and the real ones are grey",
                    where=where,
                    expected="images like the real ones",
                )
            for inference in gathered.inferred:
                if form.range == "auto" and inference.what in ("range", "layout"):
                    print(f"samples: {inference}")
            rows = np.flatnonzero(gathered.findings["usable"])
            with gathered.rows.open("rb") as stream:
                images = read_rows(stream, rows, store.shape)
            if labels is None:
                return images, _folder_labels(gathered, rows, store.classes)
    except DataError as error:
        if error.run and "data.range" in error.run:  # that would also be the real images'
            error.run = "convert them to uint8, black 0 and white 255"
        raise
    return images, indices_of(labels, store.classes, len(images))


def indices_of(labels: npt.ArrayLike, classes: tuple[str, ...], count: int) -> np.ndarray:
    """The positions of labels in `classes`, int64 (count,).

    Labels are names; where no class has a number for its name, they may be positions too.

    Raises:
        ParameterError: there are no classes, a label is none of them, or there are more or fewer.
    """
    if not classes:
        raise ParameterError("labels, and there are no classes", expected="no labels")
    given = np.asarray(labels)
    if given.shape != (count,):
        raise ParameterError(
            f"labels of shape {given.shape} for {count} images",
            expected=f"one label for each image: {count}",
        )
    names, which = np.unique(given.astype(str), return_inverse=True)
    places = {name: place for place, name in enumerate(classes)}
    if not any(name.isdecimal() for name in classes):
        places |= {str(place): place for place in range(len(classes))}
    if unknown := [name for name in names.tolist() if name not in places]:
        shown = ", ".join(classes[:20]) + ", …" * (len(classes) > 20)
        raise ParameterError(
            f"no class is {' or '.join(repr(name) for name in unknown[:3])}",
            expected=f"some of: {shown}",
        )
    return np.array([places[name] for name in names], np.int64)[which.reshape(-1)]


def _array(values: Any, name: str, kinds: str, expected: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        array = np.empty(0, object)
    if array.dtype.kind not in kinds or not array.ndim:
        kind = "of several shapes or types" if array.dtype.hasobject else str(array.dtype)
        raise DataError(
            f"{name}: {kind}",
            where=f"the argument {name}",
            expected=f"an array of {expected}; or the path of a folder, an archive or array files"
            if name == "images"
            else f"an array of {expected}",
        )
    return np.ascontiguousarray(array)


def _folder_labels(
    gathered: Gathered, rows: np.ndarray, classes: tuple[str, ...]
) -> np.ndarray | None:
    """Class indices of the store, where what the source names are classes of it."""
    if not gathered.classes or (gathered.labels[rows] == NO_LABEL).any():
        return None
    if unknown := set(gathered.classes) - set(classes):
        print(f"labels of the samples: not used, the real images have no class {min(unknown)}")
        return None
    return indices_of(np.array(gathered.classes)[gathered.labels[rows]], classes, len(rows))


def _sizes(source: Source, scratch: Path) -> set[Size]:
    """The heights and widths of all pictures of a source that can be opened."""
    listing, sizes = list_pictures(source, scratch, lambda reject: None), set()
    try:
        for place in range(len(listing)):
            try:
                height, width, _ = read_size(read_entry(listing.root, listing[place]))
            except UnusableError:  # which `gather` then says
                continue
            sizes.add((height, width))
    finally:
        listing.close()
    return sizes


def _check_sizes(sizes: set[Size], real: Size, where: str) -> None:
    if sizes <= {real}:
        return
    height, width = min(sizes - {real})
    raise DataError(
        f"samples of {width} × {height} pixels, and the real images have {real[1]} × {real[0]}",
        where=where,
        expected="samples of the real images' size",
        run="make them so, or measure with resize=True, which changes every distance",
    )
