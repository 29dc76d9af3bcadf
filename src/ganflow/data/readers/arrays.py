"""Stream images from NumPy's `.npy` and `.npz`; nothing is ever unpickled.

NumPy's own parser reads the header, of at most 10,000 characters; objects, Fortran order, and
sizes at odds with the file are refused before any row is read.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.inference import Inference, infer_layout
from ganflow.data.readers.inflating import broken, read_exactly
from ganflow.data.readers.limits import (
    MAX_CLASS_NAME,
    MAX_CLASSES,
    MAX_PIXELS,
    MAX_ROWS,
    MAX_SIDE,
    MIN_SIDE,
)
from ganflow.data.readers.listing import Entry, class_fault
from ganflow.data.readers.zipped import members, open_member

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
CHUNK = 2**24
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    # Version 3 differs in the encoding of the fields' names, and records are refused.
    (3, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Array:
    """One array: a `.npy` file, a member of a `.npz`, or an idx file."""

    path: Path
    name: str
    """What it is called in messages and roles: the file's name, or without `.npy`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    """Bytes before the first row."""

    open: Callable[[], AbstractContextManager[BinaryIO]]


def open_array(path: Path) -> Array:
    """The array in a `.npy` file, from its header.

    Raises:
        DataError: when it holds objects, is cut off, or its header is wrong.
    """
    return _opened(path, path.stem, None, path.stat().st_size)


def open_arrays(path: Path) -> list[Array]:
    """The arrays in a `.npz`, from their headers."""
    found: list[Array] = []
    for entry, fault in members(path):
        if fault or not entry.name.endswith(".npy") or len(found) == 100:
            raise DataError(
                f"`{entry.name[:100]}` in it is no array",
                where=str(path),
                expected="a .npz of at most 100 .npy arrays",
            )
        found.append(_opened(path, entry.name.removesuffix(".npy"), entry, entry.size))
    return found


def read_rows(array: Array, rows: int) -> Iterator[np.ndarray]:
    """Rows of `array`, in order, at most `rows` and about 16 MB at a time."""
    count, *row = array.shape
    size = math.prod(row) * array.dtype.itemsize
    rows = max(1, min(rows, CHUNK // max(size, 1)))
    with array.open() as stream:
        read_exactly(stream, array.start, array.path, f"the header of `{array.name}`")
        for start in range(0, count, rows):
            n = min(rows, count - start)
            content = read_exactly(
                stream, n * size, array.path, f"the {count} rows of `{array.name}`"
            )
            yield np.frombuffer(content, array.dtype).reshape(n, *row)
        if stream.read(1):
            raise DataError(
                "it continues after the content that its header announces",
                where=str(array.path),
                expected="a file of exactly the announced size",
            )


def read_labels(array: Array, classes: dict[str, int]) -> np.ndarray:
    """Labels as class numbers, int32 (N,): whole numbers, text, or one-hot rows.

    Args:
        classes: the number of each class by its name; new ones are added.

    Raises:
        DataError: when they are none of these, not one for each image, or cannot be names of
            classes.
    """
    one_hot = len(array.shape) == 2 and array.shape[1] > 1 and array.dtype.kind in "biuf"
    if array.dtype.kind not in "iubfUS" or not (one_hot or array.shape[1:] in ((), (1,))):
        raise DataError(
            f"`{array.name}` is {array.dtype} {array.shape}",
            where=str(array.path),
            expected="labels: whole numbers, text, or one-hot rows, one for each image",
            run="set data.labels: ignore in params.yaml to train without labels",
        )
    if array.dtype.itemsize > 4 * MAX_CLASS_NAME:
        raise DataError(
            f"`{array.name}` has labels of {array.dtype.itemsize} bytes",
            where=str(array.path),
            expected=f"at most {MAX_CLASS_NAME} characters",
        )
    parts = []
    for block in read_rows(array, 65_536):
        if one_hot:
            block = _from_one_hot(block, array)
        elif block.dtype.kind == "f":
            block = _from_floats(block, array)
        values, which = np.unique(block.reshape(-1), return_inverse=True)
        names = [_class_name(value, array) for value in values]
        ids = np.array([classes.setdefault(name, len(classes)) for name in names], np.int32)
        parts.append(ids[which.reshape(-1)])
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"`{array.name}` holds more than {MAX_CLASSES} different labels",
                where=str(array.path),
                expected="classes",
                run="set data.labels: ignore in params.yaml to train without labels",
            )
    return np.concatenate(parts)


def _from_one_hot(block: np.ndarray, array: Array) -> np.ndarray:
    if not ((block == 0) | (block == 1)).all() or not (block.sum(axis=1) == 1).all():
        raise DataError(
            f"`{array.name}` has {block.shape[1]} numbers for each image, not a single 1 and "
            "else 0",
            where=str(array.path),
            expected="one label for each image, or one-hot rows",
            run="np.save(path, labels.argmax(axis=1)) if the greatest one is the class",
        )
    classes: np.ndarray = block.argmax(axis=1)
    return classes


def _from_floats(block: np.ndarray, array: Array) -> np.ndarray:
    if (
        not np.isfinite(block).all()
        or not (block == np.rint(block)).all()
        or abs(block).max() > 1e9
    ):
        raise DataError(
            f"`{array.name}` holds fractions",
            where=str(array.path),
            expected="classes: whole numbers or text",
            run="set data.labels: ignore in params.yaml to train without labels",
        )
    return block.astype(np.int64)


def image_shape(
    array: Array, data: DataParams
) -> tuple[tuple[int, int, int], bool, Inference | None]:
    """Height, width and channels of an array of images, and whether channels come first.

    Raises:
        DataError: when it does not hold images, or their layout is not clear.
    """
    where = f"{array.path}, `{array.name}`" if array.name != array.path.stem else str(array.path)
    if array.dtype.kind not in "bufi":
        raise DataError(f"it holds {array.dtype}", where=where, expected="images: numbers")
    size = math.prod(array.shape[1:])
    if not 0 < size <= 4 * MAX_PIXELS or max(array.shape[1:]) > 4 * MAX_SIDE**2:
        raise DataError(
            f"images of shape {array.shape[1:]}",
            where=where,
            expected=f"at most {MAX_PIXELS} pixels each",
        )
    shape, channels_first, layout = infer_layout(
        array.shape[1:], lambda: next(read_rows(array, 256)), data, where
    )
    if max(shape) > MAX_SIDE or min(shape[:2]) < MIN_SIDE:
        raise DataError(
            f"images of {shape[1]}×{shape[0]} pixels",
            where=where,
            expected=f"{MIN_SIDE} to {MAX_SIDE} along each side",
        )
    return shape, channels_first, layout


def _opened(path: Path, name: str, entry: Entry | None, size: int) -> Array:
    """The array whose file or member has `size` bytes."""
    opener = partial(_stream, path, entry)
    with opener() as stream:
        shape, dtype = _header(stream, path, name)
        start = stream.tell()
    announced, left = math.prod(shape) * dtype.itemsize, size - start
    if left != announced:
        what = f"`{name}` announces {dtype} {shape}, {announced} bytes, and {left} follow"
        raise broken(what, path, ".npy array")
    return Array(path, name, shape, dtype, start, opener)


@contextmanager
def _stream(path: Path, entry: Entry | None) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        if entry is None:
            yield file
            return
        try:
            with open_member(file, entry) as member:
                yield cast(BinaryIO, BufferedReader(member, 1 << 18))
        except ValueError as error:
            raise DataError(
                f"`{entry.name}` in it: {error}", where=str(path), expected="a whole .npz"
            ) from None


def _header(stream: BinaryIO, path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that Python 2 wrote
            shape, is_fortran, dtype = HEADERS[version](stream, max_header_size=MAX_HEADER)
    except (DataError, OSError):
        raise
    except Exception as error:  # whatever NumPy's parser says of a hostile header
        raise DataError(
            f"`{name}` has a damaged header: {str(error)[:200]}", where=str(path), expected=".npy"
        ) from None
    if dtype.hasobject or dtype.names or dtype.subdtype:
        raise DataError(
            f"`{name}` holds {'objects' if dtype.hasobject else 'records'}, which are not read: "
            "they may run code",
            where=str(path),
            expected="an array of numbers, or of text",
            run="save it again with np.save(path, labels.astype('U')), or images.astype('float32')",
        )
    whole = all(type(n) is int and n >= 0 for n in shape)
    if not whole or not shape or is_fortran:
        raise DataError(
            f"`{name}` has the shape {str(shape)[:100]}{' in Fortran order' if is_fortran else ''}",
            where=str(path),
            expected="an array of several images in C order",
            run="np.save(path, np.ascontiguousarray(images))",
        )
    if not 1 <= shape[0] <= MAX_ROWS:
        raise DataError(
            f"`{name}` announces {shape[0]} rows", where=str(path), expected=f"1 to {MAX_ROWS}"
        )
    return shape, dtype


def _class_name(value: Any, array: Array) -> str:
    try:
        name = value.decode() if isinstance(value, bytes) else str(value.item())
    except UnicodeDecodeError:
        raise DataError(
            f"`{array.name}` has a label that is not UTF-8 text",
            where=str(array.path),
            expected="whole numbers or text",
        ) from None
    fault = class_fault(name)
    if fault:
        raise DataError(f"`{array.name}`: {fault}", where=str(array.path))
    return name
