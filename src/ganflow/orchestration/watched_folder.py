"""The files of a watched folder, and which of them are new or changed since the last retraining."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ganflow.base.files import write_json
from ganflow.base.paths import state_folder

FileStates = dict[str, str]
"""Size and modification time of each file, by its path in the folder."""


@dataclass(frozen=True)
class Watched:
    """What is remembered of a folder between two checks; times are seconds since 1970."""

    files: FileStates
    """When a retraining was last started, or when watching began."""

    since: float
    """When that was."""

    looked: float
    """When its images were last tested."""

    seen: str = ""
    """The new files of the last look (`digest`)."""


def file_states(folder: Path) -> FileStates:
    """The current files of `folder`, without hidden ones; empty if there is no such folder."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_size} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def load_watched(folder: Path) -> Watched | None:
    """What was saved last for `folder`; None if there is nothing."""
    file = _file(folder)
    if not file.exists():
        return None
    saved = json.loads(file.read_text())
    if not isinstance(saved.get("files"), dict):  # by an older version: the states alone
        saved_at = file.stat().st_mtime
        return Watched(saved, saved_at, saved_at)
    return Watched(**saved)


def save_watched(folder: Path, watched: Watched) -> None:
    write_json(_file(folder), asdict(watched))


def new_files(before: FileStates, now: FileStates) -> FileStates:
    """The new and changed files; removed files do not count."""
    return {name: state for name, state in now.items() if before.get(name) != state}


def newest(files: FileStates, count: int) -> list[str]:
    """The files that were changed last."""
    return sorted(files, key=lambda name: (int(files[name].split()[1]), name))[-count:]


def digest(files: FileStates) -> str:
    """A hash that changes when any of these files does."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]


def copy_files(folder: Path, names: Iterable[str], target: Path) -> None:
    """Copy some files of `folder`, as they are now; those that are gone meanwhile are left out."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(folder / name, target / name)


def now_seconds() -> float:
    """The time, in seconds since 1970."""
    return time.time()


def _file(folder: Path) -> Path:
    return (
        state_folder() / "watch" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.json"
    )
