"""Compare two models, or two recipes over several seeds."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ganflow.base.errors import GanflowError
from ganflow.base.paths import EXTRACTOR, PREPARED, SAMPLES
from ganflow.versions.comparison import (
    DIRECTIONS,
    Difference,
    across_seeds,
    difference,
    paired_bootstrap,
    t_interval,
)
from ganflow.versions.gate import Measured, difference_interval, interval_text
from ganflow.versions.git import commit_of
from ganflow.versions.reading import measured_at
from ganflow.versions.rescoring import rescored, sampled

RESAMPLES = 100
HEADER = ["| metric | base | candidate | difference, 95 % | |", "|---|---:|---:|---:|---|"]


def compare(
    base: Sequence[str],
    candidate: Sequence[str],
    project: Path,
    state: Path,
    *,
    rescore: Callable[[str, Path, Path], Measured] = rescored,
    bootstrap: Callable[[str, str, Path, Path], Difference] | None = None,
) -> str:
    """A Markdown page on two sides of one or several revisions each.

    All are judged by the working tree's evaluator and profile; a revision measured by others is
    sampled and scored again. With several on both sides intervals are Welch's over trainings.
    Otherwise they are those of the measurement, and the Fréchet distance's is a paired bootstrap.

    Raises:
        GanflowError: for an unknown revision, one without numbers, or a side that names one
            revision twice.
    """
    sides = [_resolved(names, project) for names in (base, candidate)]
    found = {commit: _measured(name, commit, project) for side in sides for name, commit in side}
    terms = measured_at(None, project).terms
    for commit, measured in found.items():
        if measured.terms != terms:
            found[commit] = rescore(commit, project, state)
    old, new = ([found[commit] for _, commit in side] for side in sides)
    if min(len(old), len(new)) > 1:
        head = (
            f"{len(old)} and {len(new)} trainings; intervals are over trainings: Student's for "
            "each side, Welch's for the difference."
        )
        rows = _over_seeds(old, new)
    elif len(old) == len(new) == 1:
        head = (
            "One training each: this compares two models, not two recipes. Another seed may well "
            "reverse the result; name several revisions on each side to find out. The interval of "
            "the Fréchet distance is a paired bootstrap over samples and test images."
        )
        pair = (bootstrap or resampled_distance)(sides[0][0][1], sides[1][0][1], project, state)
        rows = _over_samples(old[0], new[0], pair)
    else:
        raise GanflowError(
            f"{len(old)} against {len(new)} training: one side has no variance over seeds",
            expected="one revision on each side, or at least two on both",
            run="ganflow compare A1,A2 B1,B2",
        )
    return "\n".join([head, "", *HEADER, *rows]) + "\n"


def resampled_distance(base: str, candidate: str, project: Path, state: Path) -> Difference:
    """The difference of two models' Fréchet distances, both resampled against the same images."""
    from ganflow.base.files import read_array
    from ganflow.base.runtime import configure, quiet_start
    from ganflow.base.store import open_store
    from ganflow.config.params import PARAMS_FILE, load
    from ganflow.metrics.frechet import frechet_distance

    with quiet_start():
        from ganflow.features.extractor import load_extractor

    with ExitStack() as folders:
        both = [folders.enter_context(sampled(one, project, state)) for one in (base, candidate)]
        configure(load(project / PARAMS_FILE).runtime)
        extractor = load_extractor(project / EXTRACTOR)
        test = extractor.describe(open_store(project / PREPARED).split("test").images).features
        ours = [
            extractor.describe(read_array(folder / SAMPLES / "images.npy")[: len(test)]).features
            for folder in both
        ]
    logging.getLogger("ganflow").info("paired bootstrap of %d rounds ...", RESAMPLES)
    return paired_bootstrap(
        ours[0],
        ours[1],
        test,
        frechet_distance,
        "lower",
        resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    )


def _resolved(names: Sequence[str], project: Path) -> list[tuple[str, str]]:
    found = [(name, commit_of(name, project)) for name in names]
    if len({commit for _, commit in found}) < len(found):
        raise GanflowError(
            f"{', '.join(names)}: the same commit twice",
            expected="trainings under different seeds, each in a commit of its own",
        )
    return found


def _measured(name: str, commit: str, project: Path) -> Measured:
    found = measured_at(commit, project)
    if not found.metrics:
        raise GanflowError(
            f"{name} holds no numbers",
            where=f"data/evaluation/metrics.json at {commit[:12]}",
            run="git log --oneline -- data/evaluation/metrics.json",
        )
    return found


def _over_seeds(old: Sequence[Measured], new: Sequence[Measured]) -> list[str]:
    rows = []
    for name, direction in DIRECTIONS.items():
        before, after = ([one.value(name) for one in side] for side in (old, new))
        a, b = ([value for value in side if value is not None] for side in (before, after))
        if not a and not b:
            continue
        if len(a) < len(before) or len(b) < len(after):
            rows.append(f"| `{name}` | | | | missing in some |")
            continue
        rows.append(_row(name, _over(a), _over(b), across_seeds(a, b, direction)))
    return rows


def _over(values: Sequence[float]) -> str:
    low, high = t_interval(values)
    return f"{(low + high) / 2:.4g} ± {(high - low) / 2:.2g}"


def _over_samples(old: Measured, new: Measured, distance: Difference) -> list[str]:
    rows = []
    for name, direction in DIRECTIONS.items():
        a, b = old.value(name), new.value(name)
        if a is None or b is None:
            continue
        bounds = difference_interval(name, old, new)
        if name == "fd.value":
            found = distance
        elif bounds is not None:
            found = difference(b - a, *bounds, direction)
        else:
            continue
        rows.append(_row(name, f"{a:.4g}", f"{b:.4g}", found))
    return rows


def _row(name: str, base: str, candidate: str, found: Difference) -> str:
    change = f"{found.value:+.3g} ({interval_text((found.low, found.high))})"
    return f"| `{name}` | {base} | {candidate} | {change} | **{found.answer}** |"
