"""The idx format of MNIST: big-endian sizes, then raw bytes; plain or gzipped.

Bytes 0 and 1 are zero, byte 2 is the type (8: unsigned byte), byte 3 the number of
dimensions; then one 32-bit size for each dimension, then the values (LeCun, Cortes and Burges).
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers.inflating import open_inflating, read_exactly
from ganflow.data.readers.limits import MAX_PIXELS, MAX_ROWS, MAX_SIDE

UNSIGNED_BYTE = 8


def is_idx(start: bytes) -> bool:
    """Whether a file whose (inflated) content begins with `start` is an idx file."""
    return len(start) >= 4 and start[:2] == b"\0\0" and 8 <= start[2] <= 14 and 1 <= start[3] <= 4


def read_shape(path: Path, dimensions: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes in the header of `path`, which must have one of `dimensions`.

    Raises:
        DataError: when the header is not that of such a file, or its sizes are absurd.
    """
    with open_inflating(path) as stream:
        return _header(stream, path, dimensions)


def read_labels(path: Path) -> np.ndarray:
    """All labels of a one-dimensional idx file: uint8 (N,)."""
    with open_inflating(path) as stream:
        (count,) = _header(stream, path, (1,))
        content = read_exactly(stream, count, path, f"the {count} labels that it announces")
        _at_end(stream, path)
    return np.frombuffer(content, np.uint8)


def read_images(path: Path, rows: int) -> Iterator[np.ndarray]:
    """The images of `path`, at most `rows` at a time: uint8 (n, h, w, c)."""
    with open_inflating(path) as stream:
        count, height, width, *channels = _header(stream, path, (3, 4))
        shape = (height, width, channels[0] if channels else 1)
        size = math.prod(shape)
        for start in range(0, count, rows):
            n = min(rows, count - start)
            content = read_exactly(stream, n * size, path, f"the {count} images that it announces")
            yield np.frombuffer(content, np.uint8).reshape(n, *shape)
        _at_end(stream, path)


def _header(stream: BinaryIO, path: Path, dimensions: tuple[int, ...]) -> tuple[int, ...]:
    magic = stream.read(4)
    wanted = " or ".join(f"0x{(UNSIGNED_BYTE << 8) + d:08X}" for d in dimensions)
    kind = "labels" if dimensions == (1,) else "images"
    if not is_idx(magic) or magic[2] != UNSIGNED_BYTE or magic[3] not in dimensions:
        what = f"its magic number is 0x{magic.hex().upper()}"
        if len(magic) < 4:
            what = "it is cut off in its magic number"
        elif magic[:3] == bytes((0, 0, UNSIGNED_BYTE)) and magic[3] in (1, 3, 4):
            what += f", that of {'labels' if magic[3] == 1 else 'images'}: a swapped file"
        raise DataError(what, where=str(path), expected=f"idx {kind}, magic number {wanted}")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(
            "it is cut off in its header", where=str(path), expected=f"{magic[3]} sizes of 4 bytes"
        )
    shape = struct.unpack(f">{magic[3]}I", sizes)
    if not 1 <= shape[0] <= MAX_ROWS:
        raise DataError(
            f"its header says {shape[0]} {kind}", where=str(path), expected=f"1 to {MAX_ROWS}"
        )
    if magic[3] > 1 and not _plausible(shape[1:]):
        raise DataError(
            f"its header says images of {'×'.join(map(str, shape[1:]))}",
            where=str(path),
            expected=f"sides of 1 to {MAX_SIDE} pixels, and 1 or 3 channels",
        )
    return shape


def _plausible(image: tuple[int, ...]) -> bool:
    height, width, *channels = image
    sides = all(1 <= side <= MAX_SIDE for side in (height, width))
    return sides and height * width <= MAX_PIXELS and channels in ([], [1], [3])


def _at_end(stream: BinaryIO, path: Path) -> None:
    if stream.read(1):
        raise DataError(
            "it goes on after the content that its header announces",
            where=str(path),
            expected="a file of exactly the announced size",
        )
