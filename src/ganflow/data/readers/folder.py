"""A folder of pictures: list its files and read them."""

import io
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ganflow.base.errors import DataError
from ganflow.data.readers.limits import MAX_FILE
from ganflow.data.readers.listing import Entry, Member
from ganflow.data.rejects import printable

CACHED = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")
"""A file in DVC's cache; with `cache.type symlink`, the workspace holds links to such files."""

AHEAD = 2**20
"""Bytes of each file to read ahead; beyond them the system reads ahead by itself."""


class FileChangedError(Exception):
    """A file was written to while it was read."""


def members(root: Path) -> Iterator[Member]:
    """The files below `root`, with what is wrong with each; links are not followed.

    Raises:
        DataError: when DVC could not hash what is there.
    """
    for name, item in walk(root):
        if not item.is_dir(follow_symlinks=False):
            is_link = item.is_symlink() and not _is_cached(root / name)
            yield Member(Entry(name), ("link", "it is a link") if is_link else None)


def walk(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file, folder and link below `root`, with its name from there.

    Raises:
        DataError: when there is one that DVC cannot hash: it would fail before `prepare` starts,
            or wait forever.
    """
    folders = [""]
    while folders:
        prefix = folders.pop()
        try:
            scan = os.scandir(root / prefix)
        except PermissionError:
            raise _unhashable(root, prefix, "may not be read") from None
        with scan as found:
            for item in found:
                name = prefix + item.name
                if not item.name.isascii() and any("\ud800" <= c <= "\udfff" for c in item.name):
                    raise _unhashable(root, name, "has a name that is not UTF-8")
                if item.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                elif not item.is_file() and not item.is_dir():
                    kind = "is a link to nothing" if item.is_symlink() else "is no regular file"
                    raise _unhashable(root, name, kind)
                yield name, item


def _unhashable(root: Path, name: str, what: str) -> DataError:
    return DataError(
        f"`{printable(name)}` {what}, and DVC could not hash it: no stage would start",
        where=str(root),
        expected="regular files and folders that can be read, with names in UTF-8",
        run="remove it, or rename it",
    )


def read_file(path: Path | str, limit: int = MAX_FILE) -> bytes:
    """All bytes of a regular file.

    Raises:
        FileChangedError: when it was written to meanwhile.
        ValueError: when it is larger than `limit` bytes or not a regular file.
    """
    with _open(path) as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise ValueError("it is not a regular file")
        if before.st_size > limit:
            raise ValueError(f"it has {before.st_size} bytes, more than {limit}")
        content = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
        if fingerprint(after) != fingerprint(before) or len(content) != before.st_size:
            raise FileChangedError
        return content


def read_ahead(paths: Sequence[str]) -> None:
    """Ask the system to load the files that will be read next, all at once.

    Otherwise each would be waited for in turn. If the last file is in memory already, so are the
    others, most likely, and nothing is done.
    """
    if sys.platform != "linux" or not paths or _in_memory(paths[-1]):
        return
    for path in paths:
        with suppress(OSError), _open(path) as file:
            os.posix_fadvise(file.fileno(), 0, AHEAD, os.POSIX_FADV_WILLNEED)


def _in_memory(path: str) -> bool:
    """Whether a file's first byte can be read without waiting for a disk."""
    try:
        with _open(path) as file:
            os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
    except OSError:
        return False
    return True


def _open(path: Path | str) -> io.FileIO:
    """Open a file for reading, without waiting for a writer if it is a pipe."""
    return io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    """A value that changes when a file is written to or replaced."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_cached(path: Path) -> bool:
    target = os.path.realpath(path)
    return CACHED.search(target) is not None and Path(target).is_file()
