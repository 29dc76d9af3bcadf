"""The idx format of MNIST: big-endian sizes, then raw bytes; plain or gzipped.

Bytes 0 and 1 are zero, byte 2 is the type (8: unsigned byte), byte 3 the number of
dimensions; then one 32-bit size for each dimension, then the values (LeCun, Cortes and Burges).
"""

import re
import struct
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers.arrays import Array
from ganflow.data.readers.inflating import open_inflating
from ganflow.data.readers.limits import MAX_ROWS

UNSIGNED_BYTE = 8
ROLE = re.compile(r"(train|t10k|test)[-_.](images|labels)")
CANONICAL = "train-images, train-labels, t10k-images and t10k-labels, gzipped or plain"


def is_idx(start: bytes) -> bool:
    """Whether a file whose (inflated) content begins with `start` is an idx file."""
    return len(start) >= 4 and start[:2] == b"\0\0" and 8 <= start[2] <= 14 and 1 <= start[3] <= 4


def role(path: Path) -> tuple[bool, bool]:
    """Whether a file holds test data, and whether it holds labels, by its name.

    Raises:
        DataError: when its name does not say so.
    """
    match = ROLE.search(path.name)
    if match is None:
        raise DataError(
            f"`{path.name}` does not say whether it is training or test data",
            where=str(path.parent),
            expected=CANONICAL,
        )
    return match[1] != "train", match[2] == "labels"


def open_array(path: Path, dimensions: tuple[int, ...]) -> Array:
    """The array in an idx file, from its header, which must have one of `dimensions`.

    Raises:
        DataError: when the header is not that of such a file, or its sizes are absurd.
    """
    opener = partial(open_inflating, path)
    with opener() as stream:
        shape = _header(stream, path, dimensions)
    return Array(path, path.name, shape, np.dtype(np.uint8), 4 + 4 * len(shape), opener)


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
    return shape
