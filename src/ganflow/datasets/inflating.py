"""Reading a file that may be compressed, in bounded memory, and never more than is plausible."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ganflow.datasets.limits import FREE_INFLATION, MAX_INFLATION
from ganflow.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"


class Bounded(io.RawIOBase):
    """A stream that refuses to yield more than `FREE_INFLATION + MAX_INFLATION · size` bytes."""

    def __init__(self, stream: BinaryIO, path: Path, size: int) -> None:
        self.stream, self.path = stream, path
        self.left = FREE_INFLATION + MAX_INFLATION * size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.stream.read(len(buffer))
        self.left -= len(chunk)
        if self.left < 0:
            raise DataError(
                "a decompression bomb: it expands without end",
                where=str(self.path),
                expected=f"at most 1 GiB, or {MAX_INFLATION} times the file's size",
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextmanager
def open_inflating(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for reading, through gzip if its content begins like a gzip stream.

    Raises:
        DataError: when the file is not there, or its compressed content is damaged or expands
            beyond any plausible size.
    """
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == GZIP_MAGIC
            file.seek(0)
            if not compressed:
                yield file
                return
            with gzip.GzipFile(fileobj=file, mode="rb") as inflated:
                bounded = Bounded(cast(BinaryIO, inflated), path, path.stat().st_size)
                yield cast(BinaryIO, io.BufferedReader(bounded, 1 << 20))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"its compressed content is cut off or damaged: {error}",
            where=str(path),
            expected="a whole gzip file",
            run="get the file again from where it came",
        ) from None
    except FileNotFoundError:
        raise DataError(
            f"`{path.name}` is missing", where=str(path.parent), expected="the file in this folder"
        ) from None
