"""The flow `pipeline`: the stages of dvc.yaml, one task each, in the current checkout.

`python -m flows.pipeline` runs it on a server of its own that lives as long as the run.
"""

if __name__ == "__main__":
    from ganflow.orchestration import embedded

    embedded.isolate()  # before Prefect reads its settings

from pathlib import Path
from typing import Any

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from ganflow.config import params as parameters
from ganflow.orchestration.artifacts import show_results
from ganflow.orchestration.parent_watchdog import end_with_worker
from ganflow.orchestration.stage import Outcome, TransientStageError, is_advice, reproduce
from ganflow.orchestration.stage_progress import ProgressArtifact

NOTHING_TO_DO = "Unchanged"


def _is_transient(task: Any, run: Any, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientStageError)


def stage_task(name: str, stage: str, *, retries: int = 2) -> Task[..., State[None]]:
    """A task that brings one stage up to date and ends in a state named for what that took.

    Caching is DVC's alone. Only a fault that the stage itself calls transient is tried again.
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
    def run_stage(project: Path = Path(), timeout: float | None = None) -> State[None]:
        log = get_run_logger()
        bar = ProgressArtifact(stage)

        def show(line: str) -> None:
            if not is_advice(line):
                log.info("%s", line)
            bar.read(line)

        outcome = reproduce(stage, project.resolve(), on_line=show, timeout=timeout)
        return Completed(name=outcome.value, message=f"stage {stage}: {outcome.value.lower()}")

    return run_stage


prepare_data = stage_task("prepare_data", "prepare")
train_extractor = stage_task("train_extractor", "extractor")
train_gan = stage_task("train_gan", "train")
generate_samples = stage_task("generate_samples", "sample")
evaluate_samples = stage_task("evaluate_samples", "evaluate")
write_report = stage_task("write_report", "report")

STAGES = {
    "prepare": prepare_data,
    "extractor": train_extractor,
    "train": train_gan,
    "sample": generate_samples,
    "evaluate": evaluate_samples,
    "report": write_report,
}
"""Every stage with its task, in an order that DVC's graph allows."""


@flow(name="pipeline", persist_result=False)
def pipeline(stage_timeout: float | None = None) -> State[None]:
    """Bring every artifact of this checkout up to date.

    Args:
        stage_timeout: seconds that any one stage may take; without it, as long as it needs.
    """
    end_with_worker()
    parameters.load()
    outcomes = run_stages(Path(), stage_timeout)
    show_results(Path())
    return summary_state(outcomes)


def run_stages(project: Path, timeout: float | None) -> dict[str, str]:
    """Run all stages of `project`, and tell what was done about each.

    Raises:
        StageError: of the first stage that failed.
    """
    outcomes = {}
    for stage, stage_task in STAGES.items():
        state = stage_task(project, timeout, return_state=True)
        state.result()
        outcomes[stage] = str(state.name)
    return outcomes


def summary_state(outcomes: dict[str, str]) -> State[None]:
    """A flow's own final state, `Unchanged` where no stage had anything to do."""
    done = ", ".join(f"{stage} {outcome.lower()}" for stage, outcome in outcomes.items())
    if set(outcomes.values()) == {Outcome.UNCHANGED.value}:
        return Completed(name=NOTHING_TO_DO, message="no stage had to run")
    return Completed(message=done)


if __name__ == "__main__":
    raise SystemExit(embedded.show(pipeline))
