"""The files of a watched folder, and which of them are new or changed since the last look."""

import hashlib
import json
from pathlib import Path

from ganflow.base.files import write_json
from ganflow.base.paths import state_folder

FileStates = dict[str, str]
"""Size and modification time of each file, by its path in the folder."""


def file_states(folder: Path) -> FileStates:
    """The current files of `folder`, without hidden ones; empty if there is no such folder."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_size} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def load_states(folder: Path) -> FileStates | None:
    """The states that were saved last for `folder`; None if there are none."""
    file = _file(folder)
    return dict(json.loads(file.read_text())) if file.exists() else None


def save_states(folder: Path, states: FileStates) -> None:
    write_json(_file(folder), states)


def count_new_files(before: FileStates, now: FileStates) -> int:
    """The number of new and changed files; removed files do not count."""
    return sum(before.get(name) != state for name, state in now.items())


def _file(folder: Path) -> Path:
    return (
        state_folder() / "watch" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.json"
    )
