"""Read zip archives without trusting them.

Python's `zipfile` loads the whole directory of an archive into memory, ten gigabytes for ten
million members. Here the directory is read entry by entry, and its sizes are compared with the
file's; `zipfile` then inflates single members, up to the size that was announced.
"""

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ganflow.base.errors import DataError
from ganflow.data.readers.inflating import broken
from ganflow.data.readers.limits import MAX_FILES
from ganflow.data.readers.listing import METHODS, Entry, Member, normalised

END = struct.Struct("<4s4H2IH")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR_64 = struct.Struct("<4sIQI")
CENTRAL = struct.Struct("<4sxB2x2H4x3I3H4x2I")
LOCAL = struct.Struct("<4s5H3I2H")
MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
LZMA_MEMORY = 2**27
AT_ODDS = "its content is not what the archive's directory announces"


def members(path: Path) -> Iterator[Member]:
    """The files in the archive, one at a time, with what is wrong with each.

    Raises:
        DataError: when the directory is damaged, inconsistent with the file, or far too long.
    """
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        count, start, length = _directory(file, size, path)
        if count > MAX_FILES:
            raise DataError(
                f"an archive of {count} members", where=str(path), expected=f"at most {MAX_FILES}"
            )
        file.seek(start)
        end, packed = start + length, 0
        for _ in range(count):
            if file.tell() + CENTRAL.size > end:
                raise _damaged(path, "its directory holds fewer members than it announces")
            member = _member(file, path)
            if file.tell() > end:
                raise _damaged(path, "its directory is cut off")
            packed += member.entry.packed
            if packed > size:
                raise _damaged(path, "its members overlap: they are larger than the archive")
            if member.entry.name and not member.entry.name.endswith("/"):
                yield member


def read_member(file: BinaryIO, entry: Entry) -> bytes:
    """The bytes of one member of the open archive.

    Raises:
        ValueError: when they are not what the directory announces.
    """
    with open_member(file, entry) as stream:
        content = stream.read(entry.size)
    if len(content) != entry.size:
        raise ValueError(AT_ODDS)
    return content


@contextmanager
def open_member(file: BinaryIO, entry: Entry) -> Iterator[zipfile.ZipExtFile]:
    """One member as a stream, which ends at its announced size and verifies its checksum there.

    Raises:
        ValueError: here or while it is read, when it is not what the directory announces.
    """
    file.seek(entry.offset)
    header = file.read(LOCAL.size)
    if len(header) < LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise ValueError("the archive has no member where its directory says")
    *_, name, extra = LOCAL.unpack(header)
    file.seek(name + extra, io.SEEK_CUR)
    if entry.method == zipfile.ZIP_LZMA:
        _limit_dictionary(file)
    info = zipfile.ZipInfo(entry.name)
    info.compress_type = entry.method
    info.compress_size, info.file_size, info.CRC = entry.packed, entry.size, entry.checksum
    try:
        yield zipfile.ZipExtFile(file, "r", info)
    except (zipfile.BadZipFile, EOFError, struct.error):
        raise ValueError(AT_ODDS) from None
    except (zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"its compressed content is damaged: {error}") from None


def _limit_dictionary(file: BinaryIO) -> None:
    """Refuse an LZMA member that asks for more memory than pictures need, up to 4 GiB."""
    start = file.read(9)
    file.seek(-len(start), io.SEEK_CUR)
    dictionary = int.from_bytes(start[5:9], "little")
    if dictionary > LZMA_MEMORY:
        raise ValueError(f"its compression asks for {dictionary} bytes of memory")


def _directory(file: BinaryIO, size: int, path: Path) -> tuple[int, int, int]:
    """The number of members, and where the directory is: count, start, length."""
    tail_start = max(0, size - END.size - 0xFFFF)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        raise broken("a zip without its end: it is cut off", path, "zip archive")
    _, disk, first_disk, _, count, length, start, _ = END.unpack_from(tail, at)
    place = tail_start + at
    if 0xFFFF in (count, disk) or 0xFFFFFFFF in (length, start):
        count, length, start, place = _directory_64(file, place, path)
    elif disk or first_disk:
        raise _damaged(path, "it is one part of several")
    if start + length > place or length < count * CENTRAL.size:
        raise _damaged(path, "its directory does not fit into the file")
    return count, start, length


def _directory_64(file: BinaryIO, end: int, path: Path) -> tuple[int, int, int, int]:
    if end >= LOCATOR_64.size:
        file.seek(end - LOCATOR_64.size)
        signature, _, place, _ = LOCATOR_64.unpack(file.read(LOCATOR_64.size))
        if signature == b"PK\x06\x07" and place + END_64.size <= end:
            file.seek(place)
            signature, *_, count, length, start = END_64.unpack(file.read(END_64.size))
            if signature == b"PK\x06\x06":
                return count, length, start, place
    raise _damaged(path, "its 64-bit directory is not where it says")


def _member(file: BinaryIO, path: Path) -> Member:
    signature, system, flags, method, checksum, *sizes = CENTRAL.unpack(file.read(CENTRAL.size))
    packed, size, name_size, extra_size, comment_size, attributes, offset = sizes
    if signature != b"PK\x01\x02":
        raise _damaged(path, "its directory is damaged")
    raw, extra = file.read(name_size), file.read(extra_size)
    file.seek(comment_size, io.SEEK_CUR)
    size, packed, offset = _sizes_64(extra, size, packed, offset)
    kind = stat.S_IFMT(attributes >> 16) if system == 3 else 0
    known = "only deflate, bzip2 and LZMA are read"
    faults = (
        (kind == stat.S_IFLNK, "link", "it is a link"),
        (kind not in (0, stat.S_IFREG, stat.S_IFDIR), "special", "it is not a regular file"),
        (flags & 1, "unreadable", "it is encrypted"),
        (method not in METHODS, "unreadable", f"it is compressed by method {method}; {known}"),
    )
    entry = Entry(normalised(_name(raw)), method, offset, packed, size, checksum)
    return Member(entry, next(((what, why) for wrong, what, why in faults if wrong), None))


def _sizes_64(extra: bytes, *sizes: int) -> tuple[int, ...]:
    """Sizes too large for 32 bits are in the extra field of kind 1, in this order."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == 1:
            large = struct.iter_unpack("<Q", field[: len(field) // 8 * 8])
            return tuple(next(large, (n,))[0] if n == 0xFFFFFFFF else n for n in sizes)
    return sizes


def _name(raw: bytes) -> str:
    """Decode a name: UTF-8, marked as such or not, or else code page 437."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _damaged(path: Path, what: str) -> DataError:
    return broken(f"a damaged or malicious zip: {what}", path, "zip archive")
