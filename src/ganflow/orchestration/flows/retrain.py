"""The flow `retrain`: train with new data or parameters, evaluate, and open a pull request.

The steps: pull the data, apply the changes, run the stages, compare with the base, push the data,
push the branch, open the pull request. All steps run in a separate workspace, so a failure does not
change the current model. The data is pushed before the branch, so a reviewer can always pull it.
Every step can be repeated after a crash.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from ganflow.base.errors import GanflowError
from ganflow.base.paths import state_folder
from ganflow.config import params as parameters
from ganflow.config.data import DataParams
from ganflow.config.params import Params
from ganflow.incoming.arrivals import read_arrivals
from ganflow.orchestration import ingestion, proposal, transfer
from ganflow.orchestration.artifacts import keep_report, show_incoming, show_results
from ganflow.orchestration.flows.pipeline import STAGES, run_stages
from ganflow.orchestration.reruns import Reruns
from ganflow.orchestration.run_form import NO_OVERRIDES, Overrides, Seconds, changes_in
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.turns import training_turn
from ganflow.orchestration.workspace import workspace
from ganflow.stages.lock import LOCK
from ganflow.versions import doctor, git
from ganflow.versions.gate import Decision
from ganflow.versions.gate_record import write_record
from ganflow.versions.reading import measured_at
from ganflow.versions.reason import changed_inputs, no_reason
from ganflow.versions.start import start_from

UNCHANGED, PROPOSED, REJECTED = "Unchanged", "Proposed", "Rejected"
TRANSFER_RETRIES = 2
"""The delay is set by PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS in prefect.yaml."""


@dataclass(frozen=True)
class Base:
    """The commit that a retraining starts from and is compared with."""

    commit: str
    branch: str
    """The target of the pull request."""


@flow(name="retrain", persist_result=False)
def retrain(
    overrides: Overrides = NO_OVERRIDES,
    incoming: str | None = None,
    revision: str | None = None,
    start: Literal["base"] | None = None,
    stage_timeout: Seconds | None = None,
    cause: str = "",
) -> State[None]:
    """Retrain in a separate workspace and propose the result if the gate passes.

    Args:
        overrides: changes to params.yaml, as in {"train": {"images": 200000}} or
            {"train.images": 200000}; the pull request shows them.
        incoming: a folder of new data on the worker's machine, which is copied into
            `data/raw/<data.source>`; None or empty for no new data.
        revision: the commit to start from; None for origin's current main branch.
        start: "base" trains on from the model of that commit, not from random weights; None trains
            as `train.start` in params.yaml says.
        stage_timeout: time limit of each stage in seconds.
        cause: what started this, in words; `watch` says so. The log and the pull request show it.
    """
    begin_run()
    if cause:
        _log(f"started by {cause}")
    project = Path.cwd()
    check_project(project)
    base = choose_base(project, revision)
    name = f"retrain-{str(flow_run.id or 'here')[:8]}"
    with workspace(project, name, base.commit) as folder:
        params = change_parameters(folder, overrides, incoming)
        pull_data(folder, _log)
        if start:
            start_from_base(folder, base)
        add_data(folder, params, incoming)
        with training_turn(f"retrain {flow_run.name}", _log):
            run_stages(folder, stage_timeout)
            show_results(folder, keep_report(folder, name))
            if not proposal.stage_changes(folder, base.commit):
                return Completed(
                    name=UNCHANGED, message="no difference from the base: nothing to propose"
                )
            decision = judge_model(project, folder, base, params, stage_timeout)
        if not decision.reason:
            changed = changed_inputs(base.commit, folder)
            return Completed(name=UNCHANGED, message=no_reason(changed, decision))
        if not decision.passed:
            return Failed(name=REJECTED, message=decision.line.replace("**", ""))
        push_data(folder, _log)
        pushed = push_branch(folder, base, decision, cause)
        opened = open_request(folder, base, pushed, decision, cause)
        return Completed(name=PROPOSED, message=_summary(opened))


def _task(name: str, retries: int = 0) -> Callable[[Callable[..., Any]], Any]:
    return task(
        name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False, retries=retries
    )


def _log(line: str) -> None:
    get_run_logger().info("%s", line)


pull_data = _task("pull_data", TRANSFER_RETRIES)(transfer.pull)
push_data = _task("push_data", TRANSFER_RETRIES)(transfer.push)


@_task("check_project", TRANSFER_RETRIES)
def check_project(project: Path) -> None:
    """Raise one error that lists every problem that would fail the run, each with its remedy.

    Seconds now instead of a failure hours later.
    """
    failed = []
    for check in doctor.before_retraining(project):
        _log(f"{'✓' if check.good else '✗'} {check.name}: {check.found}")
        if not check.good and check.needed:
            failed.append(check)
    if failed:
        raise GanflowError(
            "this project is not ready for a retraining:\n"
            + "\n".join(f"  ✗ {check.name}: {check.found}" for check in failed),
            where=str(project),
            run="; ".join(check.mend for check in failed),
        )


@_task("choose_base", TRANSFER_RETRIES)
def choose_base(project: Path, revision: str | None) -> Base:
    git.fetch(project)
    branch = git.default_branch(project)
    base = Base(git.commit_of(revision or f"{git.ORIGIN}/{branch}", project), branch)
    _log(f"starting from {base.commit}; the proposal goes to {branch}")
    return base


@_task("change_parameters")
def change_parameters(folder: Path, overrides: Overrides, source: str | None) -> Params:
    """Check and write the parameters, and look at the new data, while an error costs nothing."""
    params = parameters.edit(changes_in(overrides), folder / parameters.PARAMS_FILE)
    if source:
        ingestion.plain_files(Path(source))
    return params


@_task("start_from_base", TRANSFER_RETRIES)
def start_from_base(folder: Path, base: Base) -> None:
    started = start_from(base.commit, folder, state_folder())
    _log(f"the training starts from the base's model, which saw {started.images:,} images")


@_task("add_data")
def add_data(folder: Path, params: Params, source: str | None) -> None:
    if not git.succeeds("diff", "--quiet", "--", str(LOCK), cwd=folder):
        _log(f"other versions are installed than at the base: the proposal changes {LOCK}")
    ingestion.update_imports(folder, _log)
    if source:
        let_in(Path(source), folder, params.data)
    doctor.require_inputs(folder)
    transfer.fetch_cached_outputs(folder, STAGES, _log)


def let_in(incoming: Path, folder: Path, data: DataParams) -> None:
    """Add new data after the checks of `prepare`; what fails them goes to the quarantine."""
    arrivals = read_arrivals(incoming, data)
    refused = ingestion.quarantine(incoming, arrivals.rejected, data.source)
    if refused:
        _log(f"{len(refused)} files are not let in: {state_folder() / 'quarantine' / data.source}")
    ingestion.add_incoming(incoming, folder, data.source, _log, refused)
    count = f"{len(arrivals.images)} images"
    proposal.commit_data(folder, f"Data: {count} into {data.source}", f"From {incoming.name}.")
    show_incoming(arrivals.images, len(refused))


@_task("judge_model")
def judge_model(
    project: Path, folder: Path, base: Base, params: Params, timeout: float | None
) -> Decision:
    """Compare candidate and base, write gate.json, and show the decision in Prefect's page."""
    candidates = [measured_at(None, folder)]
    bases = [measured_at(base.commit, folder)]
    reruns = Reruns(project, folder, base.commit, timeout, _log)
    if bases[0].terms != candidates[0].terms:
        _log("evaluator or profile has changed: evaluating the base again with the new one")
        bases = [reruns.evaluate_base(params.seed)]
    seeds = range(params.seed, params.seed + params.gate.seeds)
    for seed in seeds[1:]:
        candidates.append(reruns.train_candidate(seed))
        bases.append(reruns.evaluate_base(seed, train=True))
    decision = write_record(folder, base.commit, params.gate, seeds, bases, candidates)
    create_markdown_artifact(decision.as_markdown(), "verdict", "The result of the gate")
    _log(decision.line)
    return decision


@_task("push_branch", TRANSFER_RETRIES)
def push_branch(folder: Path, base: Base, decision: Decision, cause: str = "") -> proposal.Proposal:
    branch = proposal.branch_name(folder, base.commit)
    proposal.commit(folder, title(decision), body(decision, cause))
    commit, is_new = proposal.push(folder, branch)
    _log(f"{branch} {'pushed' if is_new else 'already exists'}")
    return proposal.Proposal(branch, commit, "pushed" if is_new else "already there")


@_task("open_request")
def open_request(
    folder: Path, base: Base, pushed: proposal.Proposal, decision: Decision, cause: str = ""
) -> proposal.Proposal:
    opened = proposal.open_request(
        folder,
        pushed,
        base.branch,
        title(decision),
        body(decision, cause) + _review_commands(base),
    )
    if opened.command:
        _log(f"to go on by hand: {opened.command}")
    create_markdown_artifact(
        f"{body(decision, cause)}\n{_summary(opened)}\n", "proposal", "The proposed model"
    )
    return opened


def title(decision: Decision) -> str:
    """One line for the commit and the pull request."""
    words = [
        f"{row.metric} {row.base:.4g} → {row.candidate:.4g}"
        for row in decision.rows
        if row.base is not None and row.candidate is not None
    ]
    return "Retrain: " + (", ".join(words) or "limits kept")


def body(decision: Decision, cause: str) -> str:
    """The decision, and what started the retraining if it is known."""
    # Names of folders are in it, so that it is shown as it is.
    quoted = " ".join(cause.replace("`", "'").split())
    return decision.as_markdown() + (f"\n**Started by**: `{quoted}`\n" if quoted else "")


def _review_commands(base: Base) -> str:
    return (
        "\nTo compare in detail, on this branch:\n\n"
        f"    dvc pull\n    dvc metrics diff {base.commit[:12]}\n"
        f"    dvc params diff {base.commit[:12]}\n"
    )


def _summary(opened: proposal.Proposal) -> str:
    words = f"{opened.branch} {opened.state}"
    if opened.address:
        words += f": {opened.address}"
    return words + (f"; to go on by hand: {opened.command}" if opened.command else "")
