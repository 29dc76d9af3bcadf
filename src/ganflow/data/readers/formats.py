"""Recognise the format of a source in `data/raw` by its content, not by its name."""

from collections import deque
from dataclasses import dataclass
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
    if kind in ("zip", "tar") and not _has_folders(path):
        if len(files) == 1:
            return Source(kind, files[0], files)
        raise DataError(
            f"several archives: {', '.join(file.name for file in files[:10])}",
            where=str(path),
            expected="one archive, or a folder with a folder for each of them",
            run=f"unpack each into a folder of its name, such as {files[0].stem}/",
        )
    return Source("folder", path, [])


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
        if zipped.is_zip(start):
            return "npz" if _holds_arrays(path) else "zip"
        if arrays.is_npy(start):
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
    files = []
    for path in folder.iterdir():
        if is_leftover(path.name) or is_companion(path.name) or not path.is_file():
            continue
        files.append(path)
        if len(files) > FEW:
            return []
    return sorted(files)


def _has_folders(folder: Path) -> bool:
    return any(path.is_dir() and not is_leftover(path.name) for path in folder.iterdir())


def _holds_arrays(path: Path) -> bool:
    first = next(zipped.members(path), None)
    return first is not None and first.entry.name.endswith(".npy")
