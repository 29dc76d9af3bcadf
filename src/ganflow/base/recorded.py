"""DVC's hashes: of folders, and those recorded in dvc.lock."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml


def hash_in(lock: dict[str, Any] | None, output: Path) -> str | None:
    """DVC's hash of an output in the content of a dvc.lock, or None if it is not there."""
    stages = (lock or {}).get("stages", {}).values()
    outs = (out for stage in stages for out in stage.get("outs", []))
    return next((str(out.get("md5")) for out in outs if Path(out["path"]) == output), None)


def recorded_hash(project: Path, output: Path) -> str | None:
    """DVC's hash of an output in a project's dvc.lock, or None if it is not recorded there."""
    try:
        return hash_in(yaml.safe_load((project / "dvc.lock").read_text()), output)
    except (FileNotFoundError, NotADirectoryError):
        return None


def folder_hash(folder: Path) -> str:
    """The hash that DVC gives a folder: the MD5 of the sorted list of its files and their MD5s."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    listed = [{"md5": _md5((folder / name).read_bytes()), "relpath": name} for name in names]
    return f"{_md5(json.dumps(listed, sort_keys=True).encode())}.dir"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
