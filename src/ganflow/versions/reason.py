"""Why a model is proposed: it is better beyond noise, or it was made from something new.

Another seed alone is no reason: its model differs from the base's by luck. What a model was made
from is what dvc.lock records of it, so a base whose dvc.lock is older than its params.yaml counts
as made from the older parameters.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ganflow.base.paths import RAW, START
from ganflow.config.params import PARAMS_FILE
from ganflow.stages.lock import LOCK
from ganflow.versions.gate import Decision, named_rows
from ganflow.versions.reading import file_at, flattened, parameters_at

SEED = "seed"


def changed_inputs(base: str, project: Path) -> list[str]:
    """What differs between a commit's inputs and the working tree's, `seed` included.

    Returns:
        dotted parameters, paths of data and of code, and recorded versions as `ganflow.lock: NAME`.
    """
    compared = [
        (inputs_at(base, project), inputs_at(None, project))
        for inputs_at in (_recorded, parameters_at)
    ]
    names = [
        name for old, new in compared for name in [*old, *new] if old.get(name) != new.get(name)
    ]
    return list(dict.fromkeys(names))


def reason_for(changed: Sequence[str], decision: Decision) -> str:
    """Why the model should be proposed, in words; empty if there is no reason.

    Args:
        changed: as of `changed_inputs`.
    """
    kinds: dict[str, list[str]] = {
        "new data": [],
        "another start": [],
        "other code": [],
        "new parameters": [],
    }
    for name in changed:
        if name != SEED:
            kinds[_kind(name)].append(name)
    reasons = [f"{kind} ({', '.join(names)})" for kind, names in kinds.items() if names]
    better = named_rows(row for row in decision.rows if row.outcome == "better")
    return "; ".join(filter(None, [*reasons, better]))


def no_reason(changed: Sequence[str], decision: Decision) -> str:
    """The sentence of a run that has no reason to propose its model."""
    differs = "only the seed differs" if SEED in changed else "nothing it is made from differs"
    found = named_rows(row for row in decision.rows if row.outcome not in ("kept", "broken"))
    return (
        f"{differs} from the base, and nothing is better beyond noise"
        f"{f' ({found})' if found else ''}: nothing is proposed"
    )


def _kind(name: str) -> str:
    if Path(name).is_relative_to(RAW):
        return "new data"
    if Path(name) == START:
        return "another start"
    return "other code" if "/" in name or name.startswith(str(LOCK)) else "new parameters"


def _recorded(commit: str | None, project: Path) -> dict[str, Any]:
    """The inputs in a dvc.lock: hashes by path, and parameters."""
    lock = yaml.safe_load(file_at(Path("dvc.lock"), commit, project) or b"{}") or {}
    stages = lock.get("stages", {})
    return dict(_inputs([stages[name] for name in stages if name != "report"]))  # makes no model


def _inputs(stages: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    made = {out["path"] for stage in stages for out in stage.get("outs", [])}
    for stage in stages:
        for dep in stage.get("deps", []):
            if dep["path"] not in made:
                yield dep["path"], dep.get("md5")
        for file, values in stage.get("params", {}).items():
            for key, value in flattened(values):
                yield key if file == str(PARAMS_FILE) else f"{file}: {key}", value
