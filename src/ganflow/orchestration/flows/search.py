"""The flow `search`: look for the parameters with the best metric, and propose the best model.

Optuna says what to try. Each trial runs all stages in its own workspace with the shared cache, as a
Prefect task on threads or on Dask, and is saved as a DVC experiment that `dvc exp show` lists. A
trial whose snapshots are behind those of others is pruned: its training ends, and costs no more
images. A failed trial does not stop the others.
"""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from ganflow.base.errors import GanflowError, ParameterError
from ganflow.base.paths import state_folder
from ganflow.config import params as parameters
from ganflow.extras import require
from ganflow.orchestration import processes
from ganflow.orchestration.flows.pipeline import STAGES
from ganflow.orchestration.flows.retrain import (
    PROPOSED,
    REJECTED,
    UNCHANGED,
    check_project,
    retrain,
)
from ganflow.orchestration.run_form import Count, Seconds, SpaceValues
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.search_space import check_space, read_space
from ganflow.orchestration.stage import TransientStageError, is_hint, reproduce
from ganflow.orchestration.stage_task import RETRY_SECONDS
from ganflow.orchestration.turns import training_turn
from ganflow.orchestration.workspace import lock_of, workspace
from ganflow.versions import dvc
from ganflow.versions.comparison import DIRECTIONS
from ganflow.versions.deployments import deployment
from ganflow.versions.doctor import require_inputs
from ganflow.versions.git import commit_of, content_at
from ganflow.versions.reading import METRICS, measured_at, numbers_in

if TYPE_CHECKING:  # the extra `search` may be missing
    import optuna

    from ganflow.orchestration.study import Search

Engine = Literal["threads", "dask"]
Trials = Annotated[int, Field(ge=1, le=1000)]
Seed = Annotated[int, Field(ge=0)]


@flow(name="search", persist_result=False)
def search(
    space: SpaceValues,
    trials: Trials = 20,
    study: str | None = None,
    storage: str | None = None,
    metric: str = "fd.value",
    seed: Seed = 0,
    propose: bool = True,
    engine: Engine = "threads",
    address: str | None = None,
    workers: Count = 1,
    stage_timeout: Seconds | None = None,
) -> "State[None]":  # quoted, as in ganflow.orchestration.stage_task
    """Search a parameter space, and propose the best model if the gate passes.

    Args:
        space: for each parameter a list of choices, or a range {"low": a, "high": b} with "log" or
            "step", as in {"train.batch": [32, 64]}.
        trials: how many the study is to have; one that has some of them goes on.
        study: its name; None makes one from the space, the metric, the seed and the commit.
        storage: the address of a database, such as PostgreSQL, in which several workers share the
            study; None for a file in the state folder.
        metric: a number of data/evaluation/metrics.json.
        seed: of what is tried; that of the trainings is in params.yaml.
        propose: whether to retrain with the best parameters, which opens a pull request if the
            gate passes.
        engine: where the trials run; `dask` needs `pip install ganflow[dask]`.
        address: a running Dask scheduler whose workers share this folder; None starts a
            cluster on this machine.
        workers: trials at a time on this machine.
        stage_timeout: time limit of each stage in seconds.
    """
    begin_run()
    require("optuna")
    from ganflow.orchestration.study import (
        open_study,
        queue_points,
        results_table,
        take_up,
        trials_to_run,
    )

    log, project = get_run_logger().info, Path.cwd()
    require_inputs(project)
    if propose:
        check_project(project)
    run_on_engine = run_trials.with_options(task_runner=task_runner(engine, address, workers))
    planned = plan(space, trials, study, storage, metric, seed, project)
    opened = open_study(planned)
    planned = replace(planned, commit=opened.user_attrs["commit"])
    with training_turn(f"search {flow_run.name}", log):
        queue_points(opened, planned)
        for number in take_up(opened, planned):
            log("trial %s was left behind: it goes on", number)
        count = trials_to_run(opened, planned)
        log("study %s, commit %s: %s trials to run", planned.study, planned.commit[:12], count)
        run_on_engine(planned, count, project, stage_timeout)
    rows = results_table(opened, metric)
    create_table_artifact(rows, "search", f"{metric} by parameters; best first")
    if not rows or rows[0]["state"] != "complete":
        error = next((row["error"] for row in rows if row["error"]), "")
        return Failed(
            message=f"study {planned.study}: {_counts(opened)}, none complete. {error}".strip()
        )
    return finish(opened, planned, propose, stage_timeout)


def plan(
    space: dict[str, Any],
    trials: int,
    study: str | None,
    storage: str | None,
    metric: str,
    seed: int,
    project: Path,
) -> "Search":
    """Check what is asked for, before anything is trained.

    Raises:
        ParameterError: a space, a parameter or a metric that cannot be searched.
    """
    from ganflow.orchestration.study import Search

    if metric not in DIRECTIONS:
        raise ParameterError(
            f"{metric}: no metric of which one end is better",
            where="metric",
            expected=", ".join(DIRECTIONS),
        )
    commit = commit_of("HEAD", project)
    check_space(read_space(space), content_at(parameters.PARAMS_FILE, commit, project) or b"")
    told = json.dumps([space, metric, seed, commit], sort_keys=True)
    name = study or "search-" + hashlib.sha256(told.encode()).hexdigest()[:10]
    file = f"sqlite:///{state_folder() / 'search.db'}"
    return Search(name, storage or file, space, metric, seed, commit, trials)


def task_runner(engine: Engine, address: str | None, workers: int) -> Any:
    """Prefect's task runner: threads in this process, or Dask workers."""
    if engine == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    require("prefect_dask")
    from prefect_dask import DaskTaskRunner

    if address:
        return DaskTaskRunner(address=address)
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1})


@flow(name="search-trials", persist_result=False)
def run_trials(planned: Any, count: int, project: Path, timeout: float | None) -> None:
    """Run so many trials on this flow's task runner; the study knows what became of each."""
    prefix, state = f"search-{str(flow_run.id)[:8]}", str(state_folder())
    futures = [train_trial.submit(planned, project, prefix, timeout, state) for _ in range(count)]
    for future in futures:
        future.wait()


@task(name="train_trial", cache_policy=NO_CACHE, persist_result=False)
def train_trial(
    planned: Any, project: Path, prefix: str, timeout: float | None, state: str
) -> "State[None]":
    """Run the next trial of the study, chosen by what the others have found by now."""
    os.environ["GANFLOW_STATE"] = state  # a Dask worker does not have it
    from ganflow.orchestration.study import run_trial

    def train(trial: "optuna.Trial", changes: dict[str, Any]) -> float | None:
        with workspace(project, f"{prefix}-{trial.number}", planned.commit) as folder:
            params = parameters.edit(changes, folder / parameters.PARAMS_FILE)
            if not run_stages(folder, trial, len(params.train.snapshot_steps()), timeout):
                return None
            trial.set_user_attr("experiment", save_experiment(folder, changes))
            measured = measured_at(None, folder)
        value = measured.value(planned.metric)
        if value is None:
            raise GanflowError(
                f"the evaluation has no {planned.metric}",
                where=str(METRICS),
                expected=f"one of {', '.join(numbers_in(measured.metrics))}",
                run="this again with another `metric`",
            )
        trial.set_user_attr("interval", measured.interval(planned.metric))
        return value

    ended = run_trial(planned, train)
    if ended is None:
        return Completed(name="Unneeded", message="the study has its trials")
    name, changes = ended.state.name.capitalize(), json.dumps(ended.user_attrs["changes"])
    return Completed(name=name, message=f"trial {ended.number} with {changes}")


def run_stages(folder: Path, trial: "optuna.Trial", snapshots: int, timeout: float | None) -> bool:
    """Run all stages, or end the training of a trial that is pruned; return whether it was not.

    Args:
        snapshots: how many the whole training takes.
    """
    import optuna

    from ganflow.orchestration.study import SnapshotReports

    log, reports = get_run_logger(), SnapshotReports(trial, folder, snapshots)

    def read(stage: str, line: str) -> None:
        if not is_hint(line):
            log.info("%s", line)
        if stage == "train":
            reports.refresh()

    try:
        for stage in STAGES:
            _reproduce(stage, folder, partial(read, stage), timeout)
            if stage == "train":
                reports.finish()
    except optuna.TrialPruned:
        return False
    return True


def _reproduce(
    stage: str, folder: Path, on_line: Callable[[str], None], timeout: float | None
) -> None:
    """Run a stage; where a killed run's training is still ending, wait for that."""
    for wait in (*RETRY_SECONDS, None):
        try:
            reproduce(stage, folder, on_line=on_line, timeout=timeout)
            return
        except TransientStageError:
            if wait is None:
                raise
            time.sleep(wait)


def save_experiment(folder: Path, changes: dict[str, Any]) -> str:
    """Save a workspace as a DVC experiment; its name is the same for the same changes."""
    text = json.dumps(changes, sort_keys=True)
    name = "search-" + hashlib.sha256(text.encode()).hexdigest()[:10]
    with lock_of("experiments"):
        processes.checked(
            dvc.command("exp", "save", "--force", "--name", name),
            cwd=folder,
            what="DVC did not save the experiment",
            remedy="dvc exp show",
            timeout=600,
        )
    return name


def finish(
    opened: "optuna.Study", planned: "Search", propose: bool, timeout: float | None
) -> "State[None]":
    """The final state: the best trial, and what became of its proposal."""
    best = opened.best_trial
    changes = json.dumps(best.user_attrs["changes"])
    found = f"{_counts(opened)}; best {planned.metric} {best.value:.4g} with {changes}"
    command = (
        f"prefect deployment run {deployment('retrain', 'nightly', Path.cwd())} "
        f"-p revision='{json.dumps(planned.commit)}' -p overrides='{changes}'"
    )
    if not propose:
        return Completed(message=f"{found}; to propose it: {command}")
    state = retrain(
        best.user_attrs["changes"],
        revision=planned.commit,
        stage_timeout=timeout,
        cause=f"trial {best.number} of study {planned.study}, {_counts(opened)}",
        return_state=True,
    )
    if state.name in (PROPOSED, UNCHANGED, REJECTED):
        return Completed(message=f"{found}. {state.name}: {state.message}")
    return Failed(message=f"{found}. It was not proposed: {state.message}; to retry: {command}")


def _counts(opened: "optuna.Study") -> str:
    """How many trials of the study are in which state."""
    states = Counter(trial.state.name.lower() for trial in opened.get_trials(deepcopy=False))
    return "trials: " + ", ".join(f"{count} {state}" for state, count in states.most_common())
