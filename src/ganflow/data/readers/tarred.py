"""Tar archives, read without trusting them.

Python's own `tarfile` reads extended headers of any announced length into memory. Here a name
may take 64 KiB, links and devices are never members, and nothing is unpacked to a path that
the archive chooses.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from ganflow.base.errors import DataError
from ganflow.data.readers.inflating import read_exactly
from ganflow.data.readers.listing import RAW, Entry, Member

BLOCK = 512
MAX_EXTENDED = 2**16
REGULAR = (b"0", b"\0", b"7")
FOLDER = b"5"
LINKS = {b"1", b"2"}
DEVICES = {b"3", b"4", b"6"}
EXTENDED = (b"x", b"g", b"L", b"K")


def is_tar(start: bytes) -> bool:
    """Whether a file whose (inflated) content begins with `start` is a tar archive."""
    return len(start) >= BLOCK and start[0] != 0 and _checksum_holds(start[:BLOCK])


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
            if not _checksum_holds(header):
                raise _damaged(archive, "a header's checksum is wrong")
            kind = header[156:157]
            announced = _number(header[124:136], archive) if size is None else size
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
            shown = name if name is not None else _header_name(header)
            if kind in LINKS | DEVICES:
                padded = announced = 0
            if kind != FOLDER and not (kind in REGULAR and shown.endswith("/")):
                yield Member(Entry(shown, RAW, stream.tell(), announced, announced), _fault(kind))
            if stream.tell() + padded > end:
                raise _damaged(archive, "it is cut off")
            stream.seek(padded, io.SEEK_CUR)
            name = size = None


def _fault(kind: bytes) -> tuple[str, str] | None:
    if kind in REGULAR:
        return None
    return "link" if kind in LINKS else "special", "it is a link or no regular file"


def _checksum_holds(header: bytes) -> bool:
    try:
        announced = int(header[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return announced == sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _number(field: bytes, path: Path) -> int:
    """Octal digits, or (GNU) a binary number behind a set first bit."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
    else:
        try:
            value = int(field.strip(b" \0") or b"0", 8)
        except ValueError:
            raise _damaged(path, "a member's size is no number") from None
    if not 0 <= value < 2**62:
        raise _damaged(path, f"a member of {value} bytes")
    return value


def _header_name(header: bytes) -> str:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return f"{prefix}/{name}" if prefix and header[257:263] == b"ustar\0" else name


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
    return DataError(
        f"a damaged tar: {what}",
        where=str(path),
        expected="a whole tar archive",
        run="get the file again from where it came",
    )
