"""A Prefect task that runs one stage of dvc.yaml, with a progress bar in Prefect's page."""

import re
import time
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import Task, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from ganflow.base.paths import state_folder
from ganflow.live.reading import newest_run, snapshots_of
from ganflow.live.run_folder import FOLDER
from ganflow.orchestration.artifacts import snapshots_page
from ganflow.orchestration.stage import TransientStageError, is_hint, reproduce

SECONDS_BETWEEN_UPDATES = 5.0
"""Each update is a request to the server, so updates are limited."""

RETRY_SECONDS = [10.0, 60.0]
"""Before each new attempt of a stage after an error that it reports as transient."""

_LINE = re.compile(r"progress: (?P<what>\S+) (?P<done>\d+)/(?P<total>\d+) (?P<rest>.*)")


def percentage(line: str) -> float | None:
    """The percentage in a line of `ganflow.base.progress`; None for any other line."""
    match = _LINE.fullmatch(line.strip())
    if not match or int(match["total"]) == 0:
        return None
    return min(100.0, 100 * int(match["done"]) / int(match["total"]))


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
        retry_delay_seconds=RETRY_SECONDS,
        retry_condition_fn=_is_transient,
    )
    # The return type is quoted because Dask pickles this function with the trials of a search, and
    # its workers do not have the class State[NoneType], which pydantic makes where it is used.
    def run_stage(project: Path = Path(), timeout: float | None = None) -> "State[None]":
        log = get_run_logger()
        folder = project.resolve()
        progress, snapshots = ProgressArtifact(stage), SnapshotsArtifact(stage, folder)

        def show(line: str) -> None:
            if not is_hint(line):
                log.info("%s", line)
            progress.read(line)
            snapshots.refresh()

        outcome = reproduce(stage, folder, on_line=show, timeout=timeout)
        snapshots.refresh()
        return Completed(name=outcome.value, message=f"stage {stage}: {outcome.value.lower()}")

    return run_stage


def _is_transient(task: Any, run: Any, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientStageError)


class SnapshotsArtifact:
    """The snapshots of a stage that trains so far: one artifact, a new version at each.

    Args:
        project: the folder in which the stage runs; others may train at the same time.
    """

    def __init__(self, stage: str, project: Path) -> None:
        self.key = f"{stage}-snapshots".replace("_", "-")
        self.stage, self.project = stage, project
        self.begun, self.shown = time.time(), 0

    def refresh(self) -> None:
        """Show the snapshots if there are more than before."""
        run = newest_run(state_folder() / FOLDER, self.stage, self.project)
        if run is None or run.stat().st_mtime < self.begun:
            return  # this stage takes none, or they are of an earlier run
        rows = snapshots_of(run)
        if len(rows) > self.shown:
            self.shown = len(rows)
            create_markdown_artifact(
                snapshots_page(run, rows), self.key, "The training, snapshot by snapshot"
            )


class ProgressArtifact:
    """One progress artifact: the first progress line creates it, later lines update it."""

    def __init__(self, stage: str) -> None:
        self.key = f"{stage}-progress".replace("_", "-")
        self.artifact: UUID | None = None
        self.shown_at = 0.0

    def read(self, line: str) -> None:
        done = percentage(line)
        if done is None:
            return
        description = line.strip().removeprefix("progress: ")
        now = time.monotonic()
        if self.artifact is None:
            created = create_progress_artifact(done, self.key, description)
            self.artifact = cast(UUID, created)  # a coroutine only inside an event loop
        elif now - self.shown_at >= SECONDS_BETWEEN_UPDATES or done >= 100:
            update_progress_artifact(self.artifact, done, description)
        else:
            return
        self.shown_at = now
