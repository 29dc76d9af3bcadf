"""Snapshots of a folder, to find the files that have been added or changed since the last one."""

import hashlib
import json
from pathlib import Path

from ganflow.base.files import write_json
from ganflow.base.paths import state_folder

Snapshot = dict[str, str]
"""Size and modification time of each file, by its path in the folder."""


def take_snapshot(folder: Path) -> Snapshot:
    """The current files of `folder`, without hidden ones; empty if there is no such folder."""
    if not folder.is_dir():
        return {}
    snapshot = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            stat = path.stat()
            snapshot[str(path.relative_to(folder))] = f"{stat.st_size} {stat.st_mtime_ns}"
    return snapshot


def load_snapshot(folder: Path) -> Snapshot | None:
    """The snapshot of `folder` that was saved last; None if there is none."""
    file = _file(folder)
    return dict(json.loads(file.read_text())) if file.exists() else None


def save_snapshot(folder: Path, snapshot: Snapshot) -> None:
    write_json(_file(folder), snapshot)


def count_new_files(before: Snapshot, now: Snapshot) -> int:
    """The number of new and changed files; removed files do not count."""
    return sum(before.get(name) != state for name, state in now.items())


def _file(folder: Path) -> Path:
    return (
        state_folder() / "watch" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.json"
    )
