"""A Prefect task that runs one stage of dvc.yaml."""

from pathlib import Path
from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from ganflow.orchestration.stage import TransientStageError, is_hint, reproduce
from ganflow.orchestration.stage_progress import ProgressArtifact


def stage_task(name: str, stage: str, *, retries: int = 2) -> Task[..., State[None]]:
    """Make a task that runs `stage` through DVC; its final state is named after the outcome.

    Only DVC caches. The task is retried only after an error that the stage reports as transient.
    """

    @task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=retries,
        retry_delay_seconds=[10, 60],
        retry_condition_fn=_is_transient,
    )
    # The return type is quoted because Dask pickles this function with the trials of a sweep, and
    # its workers do not have the class State[NoneType], which pydantic makes where it is used.
    def run_stage(project: Path = Path(), timeout: float | None = None) -> "State[None]":
        log = get_run_logger()
        progress = ProgressArtifact(stage)

        def show(line: str) -> None:
            if not is_hint(line):
                log.info("%s", line)
            progress.read(line)

        outcome = reproduce(stage, project.resolve(), on_line=show, timeout=timeout)
        return Completed(name=outcome.value, message=f"stage {stage}: {outcome.value.lower()}")

    return run_stage


def _is_transient(task: Any, run: Any, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientStageError)
