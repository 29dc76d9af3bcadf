"""Write files and folders whole or not at all, and read them back.

Everything here writes to a temporary name beside the target, flushes, and renames. Nothing
written carries a time, a host name or a path, so equal inputs give equal bytes.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganflow.base.errors import DataError, GanflowError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FullError(GanflowError, OSError):
    """There is no space left for a file, which the system says without naming it."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{error.strerror}: {path.name} could not be written",
            where=str(path.parent.absolute()),
            expected="space on the disk that this folder is on, and within your quota",
            run=f"df -h {path.parent.absolute()}",
        )
        self.errno, self.strerror, self.filename = error.errno, error.strerror, str(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name `path` where there is no space left for it.

    Raises:
        FullError: an `OSError` too.
    """
    try:
        yield
    except FullError:
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise FullError(path, error) from None


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends without an error.

    A folder that is already at `target` is replaced; if the block raises, it stays as it was.
    Both happen by renaming: a kill at any moment leaves a whole folder there, or none.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.partial")
    old = target.with_name(f".{target.name}.old")
    for leftover in (draft, old):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        if target.exists():
            target.rename(old)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file, flush it to disk, and rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.partial")
    try:
        with writing(path), draft.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    write_whole(path, lambda stream: stream.write(content))


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON in its own key order; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    with reading(path, "valid JSON"):
        return json.loads(path.read_bytes())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a `.npy` file (never pickled)."""
    write_whole(path, lambda stream: np.save(stream, array, allow_pickle=False))


def read_array(path: Path) -> np.ndarray:
    """Map a `.npy` file into memory, read-only."""
    with reading(path, "a readable array"):
        return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Raise the same errors for every file of the pipeline that is missing or damaged."""
    try:
        yield
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, EOFError) as error:
        raise DataError(
            f"not {kind}: {error}",
            where=str(path),
            expected="the file as the pipeline wrote it",
            run="dvc checkout",
        ) from None


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def missing(path: Path) -> DataError:
    return DataError(
        "a file that this step needs is not there",
        where=str(path),
        expected="the output of an earlier stage",
        run="dvc repro (builds it) or dvc checkout (restores it from the cache)",
    )
