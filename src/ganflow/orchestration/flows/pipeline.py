"""The flow `pipeline`: run the stages of dvc.yaml in this checkout, one task each."""

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from ganflow.orchestration.artifacts import show_results
from ganflow.orchestration.run_form import Seconds
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.stage import Outcome
from ganflow.orchestration.stage_task import stage_task
from ganflow.orchestration.turns import training_turn
from ganflow.versions.doctor import require_inputs

STAGES = {
    "prepare": stage_task("prepare_data", "prepare"),
    "extractor": stage_task("train_extractor", "extractor"),
    "train": stage_task("train_gan", "train"),
    "sample": stage_task("generate_samples", "sample"),
    "evaluate": stage_task("evaluate_samples", "evaluate"),
    "report": stage_task("write_report", "report"),
}
"""The task of every stage, in an order that DVC's graph allows."""


@flow(name="pipeline", persist_result=False)
def pipeline(stage_timeout: Seconds | None = None) -> State[None]:
    """Bring all outputs of this checkout up to date.

    Args:
        stage_timeout: time limit of each stage in seconds; None for no limit.
    """
    begin_run()
    require_inputs(Path())
    with training_turn(f"pipeline {flow_run.name}", get_run_logger().info):
        outcomes = run_stages(Path(), stage_timeout)
    show_results(Path())
    return final_state(outcomes)


def run_stages(project: Path, timeout: float | None) -> dict[str, str]:
    """Run all stages of `project`; return the outcome of each.

    Raises:
        StageError: of the first stage that failed.
    """
    outcomes = {}
    for stage, task in STAGES.items():
        state = task(project, timeout, return_state=True)
        state.result()
        outcomes[stage] = str(state.name)
    return outcomes


def final_state(outcomes: dict[str, str]) -> State[None]:
    """The flow's final state: `Unchanged` if no stage had to run."""
    if set(outcomes.values()) == {Outcome.UNCHANGED.value}:
        return Completed(name="Unchanged", message="no stage had to run")
    done = ", ".join(f"{stage} {outcome.lower()}" for stage, outcome in outcomes.items())
    return Completed(message=done)
