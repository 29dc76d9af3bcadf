"""Read a file that may be compressed, in bounded memory and up to a plausible size."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ganflow.base.errors import DataError
from ganflow.data.readers.limits import FREE_INFLATION, MAX_INFLATION

MAGICS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
XZ_MEMORY = 2**27
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)
"""What the decompressors raise; bz2 and gzip raise an `OSError` without a number."""


class Inflated(io.RawIOBase):
    """The content of `stream`, up to `limit` bytes in all."""

    def __init__(self, stream: BinaryIO, path: Path, limit: int) -> None:
        self.stream, self.path, self.limit = stream, path, limit
        self.place = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            chunk = self.stream.read(len(buffer))
        except DAMAGED as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            what = f"its compressed content is cut off or damaged: {error}"
            raise broken(what, self.path) from None
        self.place += len(chunk)
        if self.place > self.limit:
            raise DataError(
                "a decompression bomb: it expands far beyond its size",
                where=str(self.path),
                expected=f"at most 1 GiB, or {MAX_INFLATION} times the file's own size",
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Xz(io.RawIOBase):
    """One xz stream, decompressed within `XZ_MEMORY`: its header may ask for 4 GiB."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.engine = lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self.engine.eof:
            fresh = self.file.read(1 << 16) if self.engine.needs_input else b""
            if self.engine.needs_input and not fresh:
                raise EOFError("the stream ends too early")
            chunk = self.engine.decompress(fresh, len(buffer))
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)
        return 0


DECOMPRESSORS: dict[str, Callable[[BinaryIO], object]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file, mode="rb"),
    "bzip2": bz2.BZ2File,
    "xz": _Xz,
}


def compression_of(start: bytes) -> str | None:
    """`gzip`, `bzip2` or `xz`, by how a file begins."""
    return next((kind for magic, kind in MAGICS.items() if start.startswith(magic)), None)


@contextmanager
def open_inflating(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for reading, decompressed if its content begins like a compressed stream.

    Raises:
        DataError: while it is read, when its compressed content is damaged or expands beyond
            any plausible size.
    """
    with path.open("rb") as file:
        kind = compression_of(file.read(6))
        file.seek(0)
        if kind is None:
            yield file
            return
        stream = cast(BinaryIO, DECOMPRESSORS[kind](file))
        limit = FREE_INFLATION + MAX_INFLATION * path.stat().st_size
        yield cast(BinaryIO, io.BufferedReader(Inflated(stream, path, limit), 1 << 18))


def read_exactly(stream: BinaryIO, size: int, path: Path, what: str) -> bytes:
    """`size` bytes, asked for in pieces, so that a lying header allocates nothing.

    Raises:
        DataError: when the stream ends before; `what` says whose bytes they are.
    """
    pieces = []
    left = size
    while left:
        piece = stream.read(min(left, 1 << 22))
        if not piece:
            raise broken(f"it is cut off: it ends before {what}", path)
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def broken(what: str, path: Path, kind: str = "file") -> DataError:
    """The error for a file that is damaged or cut off."""
    return DataError(
        what,
        where=str(path),
        expected=f"a whole {kind}",
        run="get the file again from where it came",
    )
