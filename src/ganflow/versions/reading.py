"""The parameters and the evaluation of a git revision."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ganflow.base.paths import EVALUATION
from ganflow.config.params import PARAMS_FILE
from ganflow.versions import git
from ganflow.versions.gate import Measured

METRICS, DETAIL = EVALUATION / "metrics.json", EVALUATION / "detail.json"

RENAMED = {"floor": "baseline", "kl_floor": "kl_baseline", "yardstick": "evaluator"}
"""Keys of metrics.json and detail.json in version 0.1."""


def file_at(path: Path, commit: str | None, project: Path) -> bytes | None:
    """A tracked file's content at a commit, or in the working tree; None if it is not there."""
    if commit is None:
        there = project / path
        return there.read_bytes() if there.is_file() else None
    return git.content_at(path, commit, project)


def measured_at(commit: str | None, project: Path) -> Measured:
    """The evaluation that a commit, or the working tree, holds; empty where there is none."""
    return Measured(*(_json(file_at(path, commit, project)) for path in (METRICS, DETAIL)))


def parameters_at(commit: str | None, project: Path) -> dict[str, Any]:
    """params.yaml as dotted keys; empty where there is none."""
    found = yaml.safe_load(file_at(PARAMS_FILE, commit, project) or b"{}")
    return dict(flattened(found)) if isinstance(found, Mapping) else {}


def numbers_in(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Every number of metrics.json by its dotted name."""
    return {
        key: float(value)
        for key, value in flattened(metrics)
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested mappings, each with its dotted key."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{prefix}{key}.")
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
