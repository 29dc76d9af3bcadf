"""Read tar archives without trusting them.

Python's `tarfile` reads extended headers of any announced length into memory. Here it reads
single headers only: a name may take 64 KiB, links and devices are never read, and nothing is
unpacked to a path that the archive chooses.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from ganflow.base.errors import DataError
from ganflow.data.readers.inflating import broken, read_exactly
from ganflow.data.readers.listing import RAW, Entry, Member, normalised

BLOCK = tarfile.BLOCKSIZE
MAX_EXTENDED = 2**16
EXTENDED = (b"x", b"g", b"L", b"K")
WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"6")
REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)


def is_tar(start: bytes) -> bool:
    """Whether a file whose (inflated) content begins with `start` is a tar archive."""
    try:
        _header(start[:BLOCK])
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
    name: str | None = None
    size: int | None = None
    with path.open("rb") as stream:
        end = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        while True:
            header = read_exactly(stream, BLOCK, archive, "the end that a tar has")
            if not any(header):
                return
            try:
                info = _header(header)
            except tarfile.HeaderError as error:
                raise _damaged(archive, str(error)) from None
            kind, announced = info.type, info.size if size is None else size
            if not 0 <= announced < 2**62:
                raise _damaged(archive, f"a member of {announced} bytes")
            padded = -(-announced // BLOCK) * BLOCK
            if kind in EXTENDED:
                if announced > MAX_EXTENDED:
                    raise _damaged(archive, f"an extended header of {announced} bytes")
                content = read_exactly(stream, padded, archive, "its extended header")[:announced]
                if kind == b"L":
                    name = _text(content)
                elif kind == b"x":
                    name, size = _extended(content, archive, name)
                continue
            if kind in WITHOUT_CONTENT:
                padded = announced = 0
            shown = info.name if name is None else name
            if not info.isdir() and not (kind in REGULAR and shown.endswith("/")):
                entry = Entry(normalised(shown), RAW, stream.tell(), announced, announced)
                yield Member(entry, _fault(info))
            if stream.tell() + padded > end:
                raise _damaged(archive, "it is cut off")
            stream.seek(padded, io.SEEK_CUR)
            name = size = None


def _header(block: bytes) -> tarfile.TarInfo:
    return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")


def _fault(info: tarfile.TarInfo) -> tuple[str, str] | None:
    if info.type in REGULAR:
        return None
    kind = "link" if info.issym() or info.islnk() else "special"
    return kind, "it is a link or not a regular file"


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _extended(content: bytes, path: Path, name: str | None) -> tuple[str | None, int | None]:
    """`path` and `size` from a pax header: lines of "length key=value"."""
    size = None
    while content:
        digits, _, _ = content.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        if not len(digits) < length <= len(content):
            raise _damaged(path, "an extended header's line has a wrong length")
        key, _, value = content[len(digits) + 1 : length].rstrip(b"\n").partition(b"=")
        if key == b"path":
            name = _text(value)
        elif key == b"size":
            if not value.isdigit() or len(value) > 18:
                raise _damaged(path, "a member's size is no number")
            size = int(value)
        content = content[length:]
    return name, size


def _damaged(path: Path, what: str) -> DataError:
    return broken(f"a damaged tar: {what}", path, "tar archive")
