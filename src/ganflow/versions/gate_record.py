"""The gate's decision as a file in the commit that it is about.

The retraining flow writes the record, and the review reads it, so a pull request shows one
decision. The record names the two metrics.json files by their SHA-256. Anyone can write such a
file, so the review recomputes what it can and says what it only quotes.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganflow.base.files import write_json
from ganflow.config.gate import GateParams
from ganflow.versions.gate import Decision, Measured, decide
from ganflow.versions.reading import METRICS, file_at, measured_at

GATE_RECORD = Path("gate.json")


@dataclass(frozen=True)
class CheckedRecord:
    """A record about the two evaluations at hand, after its check."""

    decision: Decision
    """Recomputed from the measurements in the record."""
    faults: tuple[str, ...]
    """Where the record contradicts the evaluations at hand, the gate or itself."""
    quoted: tuple[str, ...]
    """Which measurements in it cannot be checked from the two commits."""


def write_record(
    project: Path,
    base_commit: str,
    gate: GateParams,
    seeds: Sequence[int],
    base: Sequence[Measured],
    candidate: Sequence[Measured],
) -> Decision:
    """Decide, and write the decision with its measurements to gate.json.

    Args:
        project: the folder with the candidate's evaluation.
        seeds: the training seeds, in the order of `base` and `candidate`.
    """
    decision = decide(gate, base, candidate)
    record = {
        "passed": decision.passed,
        "seeds": list(seeds),
        "rows": _rows(decision),
        "base": {
            "metrics_sha256": _metrics_hash(base_commit, project),
            "evaluations": [_gated(gate, one) for one in base],
        },
        "candidate": {
            "metrics_sha256": _metrics_hash(None, project),
            "evaluations": [_gated(gate, one) for one in candidate],
        },
    }
    write_json(project / GATE_RECORD, record)
    return decision


def read_record(project: Path, base_commit: str, gate: GateParams) -> CheckedRecord | None:
    """The record of the working tree, checked; None if it is not about these two evaluations."""
    record = _parsed(file_at(GATE_RECORD, None, project))
    sides = {"base": base_commit, "candidate": None}
    found: dict[str, list[Measured]] = {}
    for side, commit in sides.items():
        part = record.get(side)
        if not isinstance(part, Mapping) or not isinstance(part.get("evaluations"), list):
            return None
        if part.get("metrics_sha256") != _metrics_hash(commit, project):
            return None
        found[side] = [
            Measured(_mapping(one, "metrics"), _mapping(one, "detail"))
            for one in part["evaluations"]
        ]
    faults, quoted = [], []
    for side, commit in sides.items():
        at_hand = measured_at(commit, project)
        recorded = found[side][0] if found[side] else Measured({}, {})
        if side == "base" and at_hand.terms != measured_at(None, project).terms:
            quoted.append("the base's numbers under the candidate's evaluator and profile")
        elif _gated(gate, at_hand) != _gated(gate, recorded):
            faults.append(f"its numbers of the {side} are not those of {METRICS.as_posix()}")
    seeds = record.get("seeds")
    counts = {len(found["base"]), len(found["candidate"])}
    if not isinstance(seeds, list) or counts != {len(seeds)} or len(seeds) != gate.seeds:
        faults.append(f"it does not hold {gate.seeds} trainings on each side, as `gate.seeds` asks")
    elif seeds[1:]:
        listed = ", ".join(str(seed) for seed in seeds[1:])
        quoted.append(f"the numbers of the trainings under the seeds {listed}")
    decision = decide(gate, found["base"], found["candidate"])
    if (
        not _same(record.get("rows"), _rows(decision))
        or record.get("passed") is not decision.passed
    ):
        faults.append("its decision does not follow from its numbers and `gate` in params.yaml")
    return CheckedRecord(decision, tuple(faults), tuple(quoted))


def _metrics_hash(commit: str | None, project: Path) -> str | None:
    content = file_at(METRICS, commit, project)
    return None if content is None else hashlib.sha256(content).hexdigest()


def _gated(gate: GateParams, measured: Measured) -> dict[str, Any]:
    """The part of an evaluation that the gate reads, in the form of an evaluation."""
    metrics: dict[str, Any] = dict(zip(("evaluator", "profile"), measured.terms, strict=True))
    detail: dict[str, Any] = {}
    for metric in sorted({*gate.limits, *gate.compare}):
        *groups, name = metric.split(".")
        interval = measured.interval(metric)
        value = measured.value(metric)
        if value is not None:
            _group(metrics, groups)[name] = value
        if interval is not None:
            key = "interval" if name == "value" else f"{name}_interval"
            _group(detail, groups)[key] = list(interval)
    return {"metrics": metrics, "detail": detail}


def _group(tree: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    for name in names:
        tree = tree.setdefault(name, {})
    return tree


def _rows(decision: Decision) -> Any:
    """The rows as JSON holds them, to 12 digits: the last ones depend on the processor."""
    return _rounded([asdict(row) for row in decision.rows])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


def _same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal but for rounding."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def _parsed(content: bytes | None) -> Mapping[str, Any]:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
