"""The flow `sweep`: a grid or a random space of parameters, over several training seeds.

Each member runs all stages in a workspace of its own against the shared cache, as a Prefect
task on threads or on Dask, and is saved as a DVC experiment that `dvc exp show` lists. One
that fails does not end the others.
"""

import hashlib
import itertools
import json
import math
import os
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.pipeline import STAGES
from ganflow.base.errors import GanflowError, ParameterError
from ganflow.base.paths import state_folder
from ganflow.config import params as parameters
from ganflow.orchestration import processes
from ganflow.orchestration.parent_watchdog import end_with_worker
from ganflow.orchestration.stage import reproduce
from ganflow.orchestration.workspace import exclusively, workspace
from ganflow.versions import dvc
from ganflow.versions.comparison import t_interval
from ganflow.versions.gate import interval_of, value_of
from ganflow.versions.git import commit_of
from ganflow.versions.reading import measured_at

MOST_MEMBERS = 1000


@dataclass(frozen=True)
class Member:
    """One training of the sweep."""

    changes: dict[str, Any]
    seed: int

    @property
    def name(self) -> str:
        """The experiment's name, equal for equal parameters."""
        text = json.dumps({**self.changes, "seed": self.seed}, sort_keys=True)
        return "sweep-" + hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Result:
    """What a member came to; `error` where it failed."""

    member: Member
    value: float | None
    interval: tuple[float, float] | None = None
    error: str = ""


def members(
    space: Mapping[str, Any], draws: int | None, seeds: int, first_seed: int
) -> list[Member]:
    """All trainings of a sweep.

    Args:
        space: for each dotted parameter a list of values, or with `draws` also
            {"low": a, "high": b, "log": bool}, from which a float is drawn.
        draws: how many random points; None takes the whole grid.
        seeds: trainings of each point.
        first_seed: of these; also that of the draws.

    Raises:
        ParameterError: for a space that is none.
    """
    if draws is None:
        points = [
            dict(zip(space, values, strict=True))
            for values in itertools.product(*(_listed(key, space[key]) for key in space))
        ]
    else:
        generator = random.Random(first_seed)
        points = [
            {key: _drawn(key, space[key], generator) for key in sorted(space)} for _ in range(draws)
        ]
    found = [Member(point, first_seed + i) for point in points for i in range(seeds)]
    if not 0 < len(found) <= MOST_MEMBERS:
        raise ParameterError(
            f"a sweep of {len(found)} trainings",
            where="space, draws, seeds",
            expected=f"1 to {MOST_MEMBERS}",
        )
    return found


def _listed(key: str, values: Any) -> Sequence[Any]:
    if isinstance(values, Sequence) and not isinstance(values, str) and values:
        return values
    raise ParameterError(
        f"{key}: {values!r} is no list of values", where="space", expected="[0.001, 0.002]"
    )


def _drawn(key: str, values: Any, generator: random.Random) -> Any:
    if not isinstance(values, Mapping):
        return generator.choice(_listed(key, values))
    try:
        low, high = float(values["low"]), float(values["high"])
        if not low < high or (values.get("log") and low <= 0):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise ParameterError(
            f"{key}: {values!r} is no range",
            where="space",
            expected='{"low": 0.0001, "high": 0.01, "log": true}',
        ) from None
    if values.get("log"):
        return math.exp(generator.uniform(math.log(low), math.log(high)))
    return generator.uniform(low, high)


@flow(name="sweep", persist_result=False)
def sweep(
    space: dict[str, Any],
    draws: int | None = None,
    seeds: int = 1,
    metric: str = "fd.value",
    engine: Literal["threads", "dask"] = "threads",
    address: str | None = None,
    workers: int = 1,
    stage_timeout: float | None = None,
) -> State[None]:
    """Train every point of a space and list what came of it.

    Args:
        space: lists of values by dotted parameter (a grid), as in {"train.batch": [32, 64]}.
        draws: take so many random points instead; a range is {"low": a, "high": b, "log": true}.
        seeds: trainings of each point.
        metric: of data/evaluation/metrics.json, lower is better.
        engine: what runs the members; `dask` needs `pip install ganflow[dask]`.
        address: of a running Dask scheduler whose workers see this folder; without it, a
            cluster on this machine.
        workers: members at a time, on this machine.
        stage_timeout: seconds that any one stage may take.
    """
    end_with_worker()
    project = Path.cwd()
    first_seed = parameters.load().seed
    planned = members(space, draws, seeds, first_seed)
    check_members(planned, project)
    commit = commit_of("HEAD", project)
    runner = _runner(engine, address, workers)
    results = run_members.with_options(task_runner=runner)(
        planned, project, commit, metric, stage_timeout
    )
    rows = table(results, metric)
    create_table_artifact(rows, "sweep", f"{metric} by parameters; best first")
    failed = [result for result in results if result.error]
    if len(failed) == len(results):
        return Failed(message=f"all {len(results)} trainings failed: {failed[0].error}")
    best = rows[0]
    get_run_logger().info(
        "the best can go to retraining: prefect deployment run 'retrain/nightly' -p overrides='%s'",
        best["parameters"],
    )
    return Completed(
        message=f"{len(results) - len(failed)} of {len(results)} trainings; "
        f"best {metric} {best[metric]} with {best['parameters']}"
    )


@flow(name="sweep-members", persist_result=False)
def run_members(
    planned: list[Member], project: Path, commit: str, metric: str, timeout: float | None
) -> list[Result]:
    """Run all members on the engine of this flow; a failure is a row, not an end."""
    prefix = f"sweep-{str(flow_run.id)[:8]}"
    state = str(state_folder())
    futures = [
        train_member.submit(member, project, f"{prefix}-{number}", commit, metric, timeout, state)
        for number, member in enumerate(planned)
    ]
    return [_ended(member, future) for member, future in zip(planned, futures, strict=True)]


def _ended(member: Member, future: Any) -> Result:
    """What a member came to, a failure too."""
    future.wait()
    found = future.state.result(raise_on_failure=False)
    if isinstance(found, Result):
        return found
    return Result(member, None, error=_first_line(found))


@task(name="train_member", cache_policy=NO_CACHE, persist_result=False)
def train_member(
    member: Member,
    project: Path,
    name: str,
    commit: str,
    metric: str,
    timeout: float | None,
    state: str,
) -> Result:
    """Run the stages for one member and save it as a DVC experiment."""
    log = get_run_logger()
    os.environ["GANFLOW_STATE"] = state
    with workspace(project, name, commit) as folder:
        parameters.edit(_changes(member), folder / parameters.PARAMS_FILE)
        for stage in STAGES:
            reproduce(stage, folder, on_line=lambda line: log.info("%s", line), timeout=timeout)
        with exclusively("experiments"):
            processes.checked(
                dvc.command("exp", "save", "--force", "--name", member.name),
                cwd=folder,
                what="DVC did not save the experiment",
                remedy="dvc exp show",
                timeout=600,
            )
        measured = measured_at(None, folder)
    return Result(member, value_of(measured.metrics, metric), interval_of(measured, metric))


def check_members(planned: Sequence[Member], project: Path) -> None:
    """Find a wrong parameter before anything is trained.

    Raises:
        ParameterError: of the first member that has one.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, parameters.PARAMS_FILE)
        for member in planned:
            shutil.copyfile(project / parameters.PARAMS_FILE, draft)
            parameters.edit(_changes(member), draft)


def _changes(member: Member) -> dict[str, Any]:
    return {**member.changes, "seed": member.seed}


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def table(results: Sequence[Result], metric: str) -> list[dict[str, str]]:
    """One row a point, best mean first, failures last.

    The interval is the t-interval of the mean over seeds; with one seed, the measurement's.
    """
    points: dict[str, list[Result]] = {}
    for result in results:
        key = json.dumps(result.member.changes, sort_keys=True)
        points.setdefault(key, []).append(result)

    def row(item: tuple[str, list[Result]]) -> tuple[float, dict[str, str]]:
        key, members = item
        values = [r.value for r in members if r.value is not None]
        mean = sum(values) / len(values) if values else math.inf
        span = _t_interval(values) if len(values) > 1 else members[0].interval
        return mean, {
            "parameters": key,
            metric: f"{mean:.4g}" if values else "",
            "95 %": f"{span[0]:.4g} to {span[1]:.4g}" if span else "",
            "trainings": f"{len(values)} of {len(members)}",
            "experiments": ", ".join(r.member.name for r in members if not r.error),
            "error": next((r.error for r in members if r.error), ""),
        }

    return [found for _, found in sorted(map(row, points.items()), key=lambda pair: pair[0])]


def _t_interval(values: Sequence[float]) -> tuple[float, float]:
    found = t_interval(values)
    return found.low, found.high


def _runner(engine: str, address: str | None, workers: int) -> Any:
    if engine == "threads":
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise GanflowError(
            "Dask is not installed",
            where="sweep, engine",
            expected="the extra `dask`, or engine threads",
            run="pip install 'ganflow[dask]'",
        ) from None
    if address:
        return DaskTaskRunner(address=address)
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1})
