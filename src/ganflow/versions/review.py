"""The page that a pull request's reviewer reads."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganflow.base.errors import GanflowError
from ganflow.base.files import write_bytes
from ganflow.base.paths import EVALUATION
from ganflow.config.gate import GateParams
from ganflow.report.summary import MEASURES, doubts, number_at
from ganflow.versions.class_differences import ClassDifference, class_differences
from ganflow.versions.comparison import DIRECTIONS, difference
from ganflow.versions.gate import (
    Decision,
    Measured,
    code_text,
    decide,
    difference_interval,
    interval_text,
    number_text,
)
from ganflow.versions.gate_record import GATE_RECORD, CheckedRecord, read_record
from ganflow.versions.git import commit_of
from ganflow.versions.reading import DETAIL, file_at, measured_at, numbers_in, parameters_at

BASELINES = {measure.key: measure.baseline for measure in MEASURES}
"""Where detail.json has what real images reach in the samples' place."""

WORST = 3
"""How many classes the page shows."""

GRID = EVALUATION / "plots/samples.png"


@dataclass(frozen=True)
class Review:
    page: str
    """Markdown."""

    passed: bool


def review(
    base: str,
    gate: GateParams,
    project: Path,
    state: Path,
    rescore: Callable[[str, Path, Path], Measured],
) -> Review:
    """Compare the working tree with a base revision.

    Args:
        rescore: scores a revision's generator under this project's evaluator and profile; called
            only where one of them differs.

    Raises:
        GanflowError: if git does not know the base.
    """
    commit = commit_of(base, project)
    old, new = measured_at(commit, project), measured_at(None, project)
    parameters = _parameters(parameters_at(commit, project), parameters_at(None, project))
    notes = []
    if old.metrics and new.metrics and old.terms != new.terms:
        old, note = _rescored_base(old, new, lambda: rescore(commit, project, state))
        notes.append(note)
    if old.metrics and old.metrics == new.metrics:
        line = f"**Nothing is measured differently** from `{commit[:12]}`: the numbers are equal."
        page = [line, *(f"\n> {note}" for note in notes), "", *parameters]
        return Review("\n".join(page).rstrip() + "\n", passed=True)
    missing = "see below" if notes else "the base has no numbers"
    notes += [
        f"**Of {side}**: {doubt}"
        for side, measured in (("the base", old), ("this", new))
        for doubt in doubts(measured.detail)
    ]
    record = read_record(project, commit, gate)
    decision = record.decision if record else decide(gate, [old], [new])
    faults = record.faults if record else ()
    page = [
        _first_line(decision, faults, new, "" if old.metrics else missing),
        *(f"\n> {note}" for note in notes),
        "",
        "## Numbers",
        "",
        *metrics_table(old, new),
        "",
        *classes_table(old, new),
        *parameters,
        *_grids(commit, project, state),
        "## Gate",
        "",
        decision.as_markdown(),
        _source(record),
    ]
    return Review("\n".join(page).rstrip() + "\n", decision.passed and not faults)


def _rescored_base(
    old: Measured, new: Measured, rescore: Callable[[], Measured]
) -> tuple[Measured, str]:
    """The base under the candidate's evaluator, empty where that fails, and a note about it."""
    differ = "by different evaluators (the extractor or the test split changed)"
    if old.evaluator == new.evaluator:
        differ = (
            f"in different profiles (`{old.terms[1]}` and `{new.terms[1]}`; distances at different "
            "numbers of samples have different biases)"
        )
    try:
        return rescore(), (
            f"The two revisions are measured {differ}. The base's generator was sampled and "
            "scored again as this one's was: its numbers below are not those in its own "
            "metrics.json."
        )
    except GanflowError as error:
        return Measured({}, {}), (
            f"The two revisions are measured {differ}, and the base could not be scored again "
            f"({error.what}): **their numbers cannot be compared**."
        )


def metrics_table(old: Measured, new: Measured) -> list[str]:
    """Every number of both beside what real images reach, each change marked as real or noise."""
    before, after = numbers_in(old.metrics), numbers_in(new.metrics)
    rows = [
        "| metric | base | this | real images | change, 95 % | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name in [*after, *(name for name in before if name not in after)]:
        if name.rpartition(".")[2] in ("low", "high"):
            continue  # they stand in the change's interval
        a, b = before.get(name), after.get(name)
        change, said = "", "missing"
        if a is not None and b is not None and math.isfinite(a) and math.isfinite(b):
            change, said = _change(name, old, new, b - a)
        real = number_at(new.detail or old.detail, BASELINES.get(name, ""))
        cells = (f"`{name}`", number_text(a), number_text(b), number_text(real), change, said)
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _change(name: str, old: Measured, new: Measured, value: float) -> tuple[str, str]:
    if value == 0:
        return "0", "unchanged"
    bounds = difference_interval(name, old, new)
    if bounds is None:
        return f"{value:+.3g}", "no interval is known"
    change = f"{value:+.3g} ({interval_text(bounds)})"
    if bounds[0] <= 0 <= bounds[1]:
        return change, "within noise"
    direction = DIRECTIONS.get(name)
    if direction is None:
        return change, "real"
    return change, f"**{difference(value, *bounds, direction).answer}**"


def classes_table(old: Measured, new: Measured) -> list[str]:
    """The worst classes of this model, the base's beside them; empty if none was measured."""
    if not new.classes:
        return []
    beside = len(old.classes) == len(new.classes)
    found = class_differences([old.classes if beside else new.classes], [new.classes])
    found.sort(key=_worst_first)
    lines = [
        "## Classes",
        "",
        f"The worst {min(WORST, len(found))} of {len(new.classes)}; the others are in "
        f"`{DETAIL.as_posix()}`. The intervals hold for all classes together.",
        "",
        "| class | metric | base | this | change, 95 % | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for one in found[:WORST]:
        base, change, said = "", "", ""
        if beside:
            base, (change, said) = number_text(one.base), _class_change(one)
        name, after = code_text(one.name), number_text(one.candidate)
        lines.append(f"| {name} | `{one.metric}` | {base} | {after} | {change} | {said} |")
    return [*lines, ""]


def _worst_first(one: ClassDifference) -> tuple[bool, bool, float]:
    """Sorts lost classes first, then by ratio; kernel distances are on a scale of their own."""
    return one.candidate is not None, one.metric != "fd.ratio", -(one.candidate or 0.0)


def _class_change(one: ClassDifference) -> tuple[str, str]:
    if one.candidate is None or one.interval is None:
        return "", "**lost**: too few samples"
    value = one.candidate - one.base
    answer = difference(value, *one.interval, "lower").answer
    said = "within noise" if answer == "cannot tell" else f"**{answer}**"
    return f"{value:+.3g} ({interval_text(one.interval)})", said


def _first_line(decision: Decision, faults: Sequence[str], new: Measured, missing: str) -> str:
    """The decision, or why there is none; `missing` says why there is no base."""
    if not new.metrics:
        return "**There is nothing to review**: this revision holds no metrics.json."
    if faults:
        return f"**The record of the gate does not match**: in {GATE_RECORD}, {'; '.join(faults)}."
    if missing:
        return f"**There is nothing to compare with**: {missing}. {decision.line}"
    return decision.line


def _source(record: CheckedRecord | None) -> str:
    """Where the decision comes from, and what of it was checked."""
    if record is None:
        return (
            f"No {GATE_RECORD} is about these two evaluations, so the gate compared one training "
            "on each side. This has less power than a comparison over several seeds: a small "
            "difference cannot be told."
        )
    quoted = (
        f" It only quotes {' and '.join(record.quoted)}: anyone can write such a file, and "
        "the two commits do not hold these measurements."
    )
    return (
        f"The decision is that of the retraining, from {GATE_RECORD}. This review decided again "
        "from the numbers in that file and compared them with both metrics.json and detail.json."
    ) + (quoted if record.quoted else "")


def _parameters(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    changed = [k for k in dict.fromkeys([*before, *after]) if before.get(k) != after.get(k)]
    if not changed:
        return ["No parameter is changed.", ""]
    return [
        "## Parameters",
        "",
        "| parameter | base | this |",
        "|---|---|---|",
        *(f"| `{k}` | {_cell(before.get(k))} | {_cell(after.get(k))} |" for k in changed),
        "",
    ]


def _cell(value: Any) -> str:
    return "" if value is None else code_text(value)


def _grids(commit: str, project: Path, state: Path) -> list[str]:
    """Links to both sample grids: on the server in a workflow of it, else to copies."""
    links = []
    server, repository = map(os.environ.get, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
    for name, revision in (("base", commit), ("this", None)):
        content = file_at(GRID, revision, project)
        if content is None:
            links.append("none")
            continue
        if server and repository:
            at = revision or commit_of("HEAD", project)
            link = f"{server}/{repository}/blob/{at}/{GRID.as_posix()}?raw=true"
        else:
            copy = state / "review" / f"{name}.png"
            write_bytes(copy, content)
            link = os.path.relpath(copy, project.resolve())
        links.append(f"![samples, {name}]({link})")
    return ["## Samples", "", "| base | this |", "|---|---|", f"| {' | '.join(links)} |", ""]
