"""The flow `sweep`: train a grid or random points of a parameter space, with several seeds each.

Each trial runs all stages in its own workspace with the shared cache, as a Prefect task on threads
or on Dask, and is saved as a DVC experiment that `dvc exp show` lists. A failed trial does not stop
the others.
"""

import os
from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from ganflow.base.errors import GanflowError
from ganflow.base.paths import state_folder
from ganflow.config import params as parameters
from ganflow.orchestration import processes
from ganflow.orchestration.flows.pipeline import STAGES
from ganflow.orchestration.run_form import Count, Seconds
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.stage import reproduce
from ganflow.orchestration.trials import (
    SweepTrial,
    TrialResult,
    check_trials,
    plan_trials,
    results_table,
)
from ganflow.orchestration.turns import training_turn
from ganflow.orchestration.workspace import lock_of, workspace
from ganflow.versions import dvc
from ganflow.versions.deployments import deployment
from ganflow.versions.doctor import require_inputs
from ganflow.versions.git import commit_of
from ganflow.versions.reading import measured_at

Engine = Literal["threads", "dask"]


@flow(name="sweep", persist_result=False)
def sweep(
    space: dict[str, Any],
    draws: Count | None = None,
    seeds: Count = 1,
    metric: str = "fd.value",
    engine: Engine = "threads",
    address: str | None = None,
    workers: Count = 1,
    stage_timeout: Seconds | None = None,
) -> "State[None]":  # quoted, as in ganflow.orchestration.stage_task
    """Train every point of a parameter space and list the results.

    Args:
        space: a list of values for each dotted parameter (a grid), as in {"train.batch": [32, 64]}.
        draws: number of random points instead of the grid; a parameter may then also be a range
            {"low": a, "high": b, "log": true}.
        seeds: trials of each point.
        metric: a metric of data/evaluation/metrics.json for which lower is better.
        engine: where the trials run; `dask` needs `pip install ganflow[dask]`.
        address: a running Dask scheduler whose workers share this folder; None starts a
            cluster on this machine.
        workers: trials at a time on this machine.
        stage_timeout: time limit of each stage in seconds.
    """
    begin_run()
    project = Path.cwd()
    require_inputs(project)
    trials = plan_trials(space, draws, seeds, first_seed=parameters.load().seed)
    check_trials(trials, project)
    commit = commit_of("HEAD", project)
    run_on_engine = run_trials.with_options(task_runner=task_runner(engine, address, workers))
    with training_turn(f"sweep {flow_run.name}", get_run_logger().info):
        results = run_on_engine(trials, project, commit, metric, stage_timeout)
    rows = results_table(results, metric)
    create_table_artifact(rows, "sweep", f"{metric} by parameters; best first")
    failed = [result for result in results if result.error]
    if len(failed) == len(results):
        return Failed(message=f"all {len(results)} trainings failed: {failed[0].error}")
    best = rows[0]
    get_run_logger().info(
        "retrain with the best point: prefect deployment run %s -p overrides='%s'",
        deployment("retrain", "nightly", project),
        best["parameters"],
    )
    return Completed(
        message=f"{len(results) - len(failed)} of {len(results)} trainings; "
        f"best {metric} {best[metric]} with {best['parameters']}"
    )


def task_runner(engine: Engine, address: str | None, workers: int) -> Any:
    """Prefect's task runner: threads in this process, or Dask workers."""
    if engine == "threads":
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


@flow(name="sweep-trials", persist_result=False)
def run_trials(
    trials: list[SweepTrial], project: Path, commit: str, metric: str, timeout: float | None
) -> list[TrialResult]:
    """Run all trials on this flow's task runner; a failed trial has an error as its result."""
    prefix = f"sweep-{str(flow_run.id)[:8]}"
    state = str(state_folder())
    futures = [
        train_trial.submit(trial, project, f"{prefix}-{number}", commit, metric, timeout, state)
        for number, trial in enumerate(trials)
    ]
    return [_result(trial, future) for trial, future in zip(trials, futures, strict=True)]


def _result(trial: SweepTrial, future: Any) -> TrialResult:
    future.wait()
    result = future.state.result(raise_on_failure=False)
    if isinstance(result, TrialResult):
        return result
    message = str(result) or type(result).__name__
    return TrialResult(trial, None, error=message.splitlines()[0])


@task(name="train_trial", cache_policy=NO_CACHE, persist_result=False)
def train_trial(
    trial: SweepTrial,
    project: Path,
    name: str,
    commit: str,
    metric: str,
    timeout: float | None,
    state: str,
) -> TrialResult:
    """Run the stages of one trial and save it as a DVC experiment."""
    log = get_run_logger()
    os.environ["GANFLOW_STATE"] = state  # a Dask worker does not have it
    with workspace(project, name, commit) as folder:
        parameters.edit(trial.overrides, folder / parameters.PARAMS_FILE)
        for stage in STAGES:
            reproduce(stage, folder, on_line=lambda line: log.info("%s", line), timeout=timeout)
        with lock_of("experiments"):
            processes.checked(
                dvc.command("exp", "save", "--force", "--name", trial.name),
                cwd=folder,
                what="DVC did not save the experiment",
                remedy="dvc exp show",
                timeout=600,
            )
        measured = measured_at(None, folder)
    return TrialResult(trial, measured.value(metric), measured.interval(metric))
