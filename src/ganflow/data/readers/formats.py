"""Recognise the format of a source in `data/raw` by its content, not by its name."""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from ganflow.base.errors import DataError
from ganflow.data.readers import arrays, idx, tarred, zipped
from ganflow.data.readers.folder import walk
from ganflow.data.readers.inflating import compression_of, open_inflating
from ganflow.data.readers.listing import is_companion, is_leftover
from ganflow.data.readers.signatures import START, other_format, picture_format
from ganflow.data.sources import missing

Kind = Literal["idx", "npy", "npz", "zip", "tar", "folder"]
EXPECTED = "idx, .npy or .npz, a zip or tar of pictures, or a folder of them"
FEW = 64
"""A folder with more files than this is taken for a folder of pictures."""


@dataclass(frozen=True)
class Source:
    kind: Kind
    path: Path
    """The folder, or the one file that holds everything."""

    files: list[Path]
    """The idx or array files; the archive; empty for a folder of pictures."""


def recognise(path: Path) -> Source:
    """Recognise the source at `path`.

    Raises:
        DataError: when nothing is there, or nothing that can be read.
    """
    if path.is_file():
        kind = kind_of(path)
        if kind is None:
            with path.open("rb") as file:
                start = file.read(START)
            named = other_format(start) or (picture_format(start) and "one picture")
            format_is = f"its format is {named}: " if named else ""
            what = f"{format_is}nothing that can be read as images"
            raise DataError(what, where=str(path), expected=EXPECTED)
        return Source(kind, path, [path])
    if not path.is_dir():
        raise missing(path)
    files = _few_files(path)
    if files:
        deque(walk(path), 0)
    kinds = {file: kind_of(file) for file in files}
    if "idx" in kinds.values() or (files and all("-ubyte" in file.name for file in files)):
        # A file named like an idx file belongs to the set even if its content is damaged.
        parts = [file for file in files if kinds[file] == "idx" or idx.ROLE.search(file.name)]
        return Source("idx", path, parts)
    kind = kinds[files[0]] if len(set(kinds.values())) == 1 else None
    if kind in ("npy", "npz"):
        return Source(kind, path, files)
    folders = (item for item in path.iterdir() if item.is_dir() and not is_leftover(item.name))
    if kind is None or any(folders):
        return Source("folder", path, [])
    if len(files) > 1:
        raise DataError(
            f"several archives: {', '.join(file.name for file in files[:10])}",
            where=str(path),
            expected="one archive, or a folder with a folder for each of them",
            run=f"unpack each into a folder of its name, such as {files[0].stem}/",
        )
    return Source(kind, files[0], files)


def check_source(path: Path) -> None:
    """Check what DVC and `prepare` ask of a source before any picture is read.

    Raises:
        DataError: as `recognise`, or it holds what DVC cannot hash.
    """
    if recognise(path).kind == "folder":  # others are walked there
        deque(walk(path), 0)


def kind_of(path: Path) -> Kind | None:
    """The kind of a single file that holds a whole source, or part of one."""
    try:
        with path.open("rb") as file:
            start = file.read(tarred.BLOCK)
        if start.startswith(zipped.MAGICS):
            return "npz" if _holds_arrays(path) else "zip"
        if start.startswith(arrays.MAGIC):
            return "npy"
        if compression_of(start):
            with open_inflating(path) as stream:
                start = stream.read(tarred.BLOCK)
    except (DataError, OSError):
        return None
    if idx.is_idx(start):
        return "idx"
    return "tar" if tarred.is_tar(start) else None


def _few_files(folder: Path) -> list[Path]:
    """The files right in a folder that may hold a source, or none where they are many."""
    files = (
        path
        for path in folder.iterdir()
        if not is_leftover(path.name) and not is_companion(path.name) and path.is_file()
    )
    found = sorted(islice(files, FEW + 1))
    return [] if len(found) > FEW else found


def _holds_arrays(path: Path) -> bool:
    first = next(zipped.members(path), None)
    return first is not None and first.entry.name.endswith(".npy")
