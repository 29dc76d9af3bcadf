"""The trials of a sweep: planning them from a parameter space, and a table of their results."""

import hashlib
import itertools
import json
import math
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganflow.base.errors import ParameterError
from ganflow.config import params as parameters
from ganflow.versions.comparison import t_interval

MAX_TRIALS = 1000


@dataclass(frozen=True)
class SweepTrial:
    """One training of a sweep: changed parameters and a seed."""

    changes: dict[str, Any]
    seed: int

    @property
    def overrides(self) -> dict[str, Any]:
        return {**self.changes, "seed": self.seed}

    @property
    def name(self) -> str:
        """The name of the DVC experiment, the same for the same parameters."""
        text = json.dumps(self.overrides, sort_keys=True)
        return "sweep-" + hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class TrialResult:
    """The metric of a trial, or the error with which it failed."""

    trial: SweepTrial
    value: float | None
    interval: tuple[float, float] | None = None
    error: str = ""


def plan_trials(
    space: Mapping[str, Any], draws: int | None, seeds: int, first_seed: int
) -> list[SweepTrial]:
    """All trials of a sweep.

    Args:
        space: for each dotted parameter a list of values; with `draws` also a range
            {"low": a, "high": b, "log": bool} of floats.
        draws: number of random points; None for the whole grid.
        seeds: trials of each point.
        first_seed: the first of the training seeds; it also seeds the random points.

    Raises:
        ParameterError: if the space is invalid, empty or too large.
    """
    if draws is None:
        points = [
            dict(zip(space, values, strict=True))
            for values in itertools.product(*(_choices(key, space[key]) for key in space))
        ]
    else:
        generator = random.Random(first_seed)
        points = [
            {key: _draw(key, space[key], generator) for key in sorted(space)} for _ in range(draws)
        ]
    trials = [SweepTrial(point, first_seed + i) for point in points for i in range(seeds)]
    if not 0 < len(trials) <= MAX_TRIALS:
        raise ParameterError(
            f"a sweep of {len(trials)} trainings",
            where="space, draws, seeds",
            expected=f"1 to {MAX_TRIALS}",
        )
    return trials


def _choices(key: str, values: Any) -> Sequence[Any]:
    if isinstance(values, Sequence) and not isinstance(values, str) and values:
        return values
    raise ParameterError(
        f"{key}: {values!r} is not a list of values", where="space", expected="[0.001, 0.002]"
    )


def _draw(key: str, values: Any, generator: random.Random) -> Any:
    if not isinstance(values, Mapping):
        return generator.choice(_choices(key, values))
    try:
        low, high = float(values["low"]), float(values["high"])
        if not low < high or (values.get("log") and low <= 0):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise ParameterError(
            f"{key}: {values!r} is not a range",
            where="space",
            expected='{"low": 0.0001, "high": 0.01, "log": true}',
        ) from None
    if values.get("log"):
        return math.exp(generator.uniform(math.log(low), math.log(high)))
    return generator.uniform(low, high)


def check_trials(trials: Sequence[SweepTrial], project: Path) -> None:
    """Check the parameters of all trials before the first one is trained.

    Raises:
        ParameterError: of the first trial with an invalid parameter.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, parameters.PARAMS_FILE)
        for trial in trials:
            shutil.copyfile(project / parameters.PARAMS_FILE, draft)
            parameters.edit(trial.overrides, draft)


def results_table(results: Sequence[TrialResult], metric: str) -> list[dict[str, str]]:
    """One row for each point, best mean first, failed points last.

    The interval is the t-interval of the mean over the seeds; with one seed it is the interval of
    the measurement.
    """
    points: dict[str, list[TrialResult]] = {}
    for result in results:
        key = json.dumps(result.trial.changes, sort_keys=True)
        points.setdefault(key, []).append(result)

    def row(point: tuple[str, list[TrialResult]]) -> tuple[float, dict[str, str]]:
        key, trained = point
        values = [r.value for r in trained if r.value is not None]
        mean = sum(values) / len(values) if values else math.inf
        span = t_interval(values) if len(values) > 1 else trained[0].interval
        return mean, {
            "parameters": key,
            metric: f"{mean:.4g}" if values else "",
            "95 %": f"{span[0]:.4g} to {span[1]:.4g}" if span else "",
            "trainings": f"{len(values)} of {len(trained)}",
            "experiments": ", ".join(r.trial.name for r in trained if not r.error),
            "error": next((r.error for r in trained if r.error), ""),
        }

    return [cells for _, cells in sorted(map(row, points.items()), key=lambda pair: pair[0])]
