"""The gate's decision as a file in the commit that it is about.

The retraining flow writes the record, and the review reads it, so a pull request shows one
decision. The record names the two metrics.json files by their SHA-256. Anyone can write such a
file, so the review recomputes what it can and says what it only quotes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ganflow.base.files import write_json
from ganflow.config.gate import GateParams
from ganflow.versions.class_differences import compared_part
from ganflow.versions.gate import Decision, Measured, MetricDecision, decide
from ganflow.versions.reading import METRICS, file_at, measured_at
from ganflow.versions.reason import changed_inputs, reason_for

GATE_RECORD = Path("gate.json")


@dataclass(frozen=True)
class RecordedSide:
    """What was compared of the base or of the candidate."""

    metrics_sha256: str | None
    """Of metrics.json; None where there is none."""
    evaluations: list[Measured]
    """One for each training seed, with the numbers that the gate reads."""


@dataclass(frozen=True)
class Record:
    """The contents of gate.json."""

    passed: bool
    seeds: list[int]
    rows: tuple[MetricDecision, ...]
    base: RecordedSide
    candidate: RecordedSide
    reason: str = ""
    """Of the proposal. A review takes it from the two commits."""


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
    changed = changed_inputs(base_commit, project)
    decision = replace(decision, reason=reason_for(changed, decision))
    old, new = (
        RecordedSide(_metrics_hash(commit, project), [_gated(gate, one) for one in side])
        for commit, side in ((base_commit, base), (None, candidate))
    )
    record = Record(decision.passed, list(seeds), decision.rows, old, new, decision.reason)
    write_json(project / GATE_RECORD, asdict(record))
    return decision


def read_record(project: Path, base_commit: str, gate: GateParams) -> CheckedRecord | None:
    """The record of the working tree, checked; None if it is not about these two evaluations."""
    try:
        record = TypeAdapter(Record).validate_json(file_at(GATE_RECORD, None, project) or b"")
    except ValidationError:
        return None
    base, candidate = record.base.evaluations, record.candidate.evaluations
    if record.base.metrics_sha256 != _metrics_hash(base_commit, project):
        return None
    if record.candidate.metrics_sha256 != _metrics_hash(None, project):
        return None
    faults, quoted = [], []
    old, new = measured_at(base_commit, project), measured_at(None, project)
    if old.terms != new.terms:
        quoted.append("the base's numbers under the candidate's evaluator and profile")
    elif base[:1] != [_gated(gate, old)]:
        faults.append(f"its numbers of the base are not those of {METRICS.as_posix()}")
    if candidate[:1] != [_gated(gate, new)]:
        faults.append(f"its numbers of the candidate are not those of {METRICS.as_posix()}")
    if {len(base), len(candidate), len(record.seeds)} != {gate.seeds}:
        faults.append(f"it does not hold {gate.seeds} trainings on each side, as `gate.seeds` asks")
    elif record.seeds[1:]:
        listed = ", ".join(str(seed) for seed in record.seeds[1:])
        quoted.append(f"the numbers of the trainings under the seeds {listed}")
    decision = decide(gate, base, candidate)
    # Compared as the tables show them: the last digits depend on the processor.
    shown = replace(decision, rows=record.rows).as_markdown()
    if shown != decision.as_markdown() or record.passed is not decision.passed:
        faults.append("its decision does not follow from its numbers and `gate` in params.yaml")
    decision = replace(decision, reason=reason_for(changed_inputs(base_commit, project), decision))
    return CheckedRecord(decision, tuple(faults), tuple(quoted))


def _metrics_hash(commit: str | None, project: Path) -> str | None:
    content = file_at(METRICS, commit, project)
    return None if content is None else hashlib.sha256(content).hexdigest()


def _gated(gate: GateParams, measured: Measured) -> Measured:
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
    if gate.classes and measured.classes:
        each = [compared_part(row) for row in measured.classes]
        detail.setdefault("classes", {})["each"] = each
    return Measured(metrics, detail)


def _group(tree: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    for name in names:
        tree = tree.setdefault(name, {})
    return tree
