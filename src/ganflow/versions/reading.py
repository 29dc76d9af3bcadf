"""What a git revision says about itself: its parameters and its evaluation."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ganflow.base.errors import GanflowError
from ganflow.base.paths import EVALUATION
from ganflow.config.params import PARAMS_FILE
from ganflow.versions.gate import Measured

METRICS, DETAIL = EVALUATION / "metrics.json", EVALUATION / "detail.json"

RENAMED = {"floor": "baseline", "kl_floor": "kl_baseline", "yardstick": "evaluator"}
"""Keys of metrics.json and detail.json in version 0.1."""


def commit_of(revision: str, project: Path) -> str:
    """The commit that git names so.

    Raises:
        GanflowError: if there is none.
    """
    found = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{}")
    if found.returncode:
        raise GanflowError(
            f"git knows no revision {revision!r}",
            where=str(project),
            expected="a commit, a branch or a tag",
            run="git fetch, or git log --oneline -- dvc.lock",
        )
    return found.stdout.decode().strip()


def file_at(path: Path, commit: str | None, project: Path) -> bytes | None:
    """A tracked file's content at a commit, or in the working tree; None if it is not there."""
    if commit is None:
        there = project / path
        return there.read_bytes() if there.is_file() else None
    found = _git(project, "show", f"{commit}:./{path.as_posix()}")
    return None if found.returncode else found.stdout


def measured_at(commit: str | None, project: Path) -> Measured:
    """The evaluation that a commit, or the working tree, holds; empty where there is none."""
    return Measured(*(_json(file_at(path, commit, project)) for path in (METRICS, DETAIL)))


def parameters_at(commit: str | None, project: Path) -> dict[str, Any]:
    """params.yaml as dotted keys; empty where there is none."""
    found = yaml.safe_load(file_at(PARAMS_FILE, commit, project) or b"{}")
    return dict(_dotted(found)) if isinstance(found, Mapping) else {}


def numbers_in(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Every number of metrics.json by its dotted name."""
    return {
        key: float(value)
        for key, value in _dotted(metrics)
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _json(content: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(content or b"{}", object_pairs_hook=_with_new_keys)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _with_new_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of an evaluation; the keys of version 0.1 are read as what they are now."""
    return {RENAMED.get(key, key): value for key, value in pairs}


def _git(project: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["git", *words],
        cwd=project,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
