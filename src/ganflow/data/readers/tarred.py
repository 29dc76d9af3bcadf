"""Read tar archives without trusting them.

Python's `tarfile` parses the headers. By itself it would read extended headers of any announced
length into memory, and end without a word at a damaged one. Here the headers of a member may take
256 KiB, a damaged one is an error, links and devices are never read, and nothing is unpacked to a
path that the archive chooses.
"""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganflow.base.errors import DataError
from ganflow.data.readers.inflating import broken
from ganflow.data.readers.listing import RAW, Entry, Member, normalised

BLOCK = tarfile.BLOCKSIZE
MAX_EXTENDED = 2**16
MAX_HEADERS = 2**18
REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)


class _Headers(io.FileIO):
    """A tar of which headers are read: at most `left` more bytes, and `MAX_EXTENDED` at once."""

    left = MAX_HEADERS

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = size or 0
        self.left -= wanted
        if not 0 <= wanted <= min(MAX_EXTENDED, self.left):
            raise tarfile.ReadError(f"an extended header of {wanted} bytes")
        return super().read(wanted) or b""


def is_tar(start: bytes) -> bool:
    """Whether a file whose (inflated) content begins with `start` is a tar archive."""
    try:
        tarfile.TarInfo.frombuf(start[:BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def members(path: Path, archive: Path | None = None) -> Iterator[Member]:
    """The files in an uncompressed tar, with what is wrong with each.

    Args:
        archive: what to name in messages, where `path` is its inflated copy.

    Raises:
        DataError: when the archive is cut off or its headers are damaged.
    """
    archive = archive or path
    with _Headers(path) as file:
        with _parsing(archive):  # it reads the first header, and keeps where the next one is
            opened = tarfile.TarFile(fileobj=file, encoding="utf-8", errors="surrogateescape")
        opened.offset = 0
        while (info := _next(opened, file, archive)) is not None:
            if not 0 <= info.size < 2**62:
                raise _damaged(archive, f"a member of {info.size} bytes")
            is_plain = info.type in REGULAR and not info.issparse()
            if info.isdir() or (is_plain and info.name.endswith("/")):
                continue
            kind = "link" if info.issym() or info.islnk() else "special"
            entry = Entry(normalised(info.name), RAW, info.offset_data, info.size, info.size)
            fault = None if is_plain else (kind, "it is a link or not a regular file")
            yield Member(entry, fault)


def _next(opened: tarfile.TarFile, file: _Headers, archive: Path) -> tarfile.TarInfo | None:
    """The next member's headers, or None at the end."""
    file.left, opened.pax_headers = MAX_HEADERS, {}
    file.seek(opened.offset)
    start = file.read(BLOCK)
    if len(start) < BLOCK:
        what = "it is cut off: it ends before the end that a tar has"
        raise broken(what, archive, "tar archive")
    if not any(start):
        return None
    file.seek(opened.offset)
    with _parsing(archive):
        return tarfile.TarInfo.fromtarfile(opened)


@contextmanager
def _parsing(archive: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # whatever `tarfile` says of hostile headers
        raise _damaged(archive, str(error)[:200]) from None


def _damaged(path: Path, what: str) -> DataError:
    return broken(f"a damaged tar: {what}", path, "tar archive")
