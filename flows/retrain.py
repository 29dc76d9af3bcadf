"""The flow `retrain`: new data or parameters become a measured model and a pull request.

Pull, bring the changes, run the stages, judge, push the data, push the branch, open the pull
request: all of it in a workspace of its own, and in this order, so that nothing that goes
wrong on the way costs the model that is in use, and a reviewer never meets a branch whose data
is not there yet. Every step may be repeated after a crash.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.pipeline import STAGES, run_stages
from ganflow.config import params as parameters
from ganflow.config.params import Params
from ganflow.orchestration import ingestion, proposal, rescoring, transfer
from ganflow.orchestration.artifacts import keep_report, show_results
from ganflow.orchestration.parent_watchdog import end_with_worker
from ganflow.orchestration.preflight import check_project
from ganflow.orchestration.workspace import workspace
from ganflow.versions import git
from ganflow.versions.gate import Decision
from ganflow.versions.gate_record import write_record
from ganflow.versions.reading import measured_at

UNCHANGED, PROPOSED, REJECTED = "Unchanged", "Proposed", "Rejected"
TRANSFER_RETRIES = 2
"""How soon is the worker's to say: PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS."""


@dataclass(frozen=True)
class Base:
    """What a retraining starts from and is compared with."""

    commit: str
    branch: str
    """Where the pull request goes."""


@flow(name="retrain", persist_result=False)
def retrain(
    overrides: dict[str, Any] | None = None,
    incoming: str | None = None,
    revision: str | None = None,
    stage_timeout: float | None = None,
) -> State[None]:
    """Retrain in a workspace of its own and propose the result if the gate passes.

    Args:
        overrides: parameters to write into params.yaml, by dotted key, as in
            {"train.images": 200000}; the pull request shows them.
        incoming: a folder of new data on the worker's machine, taken into
            `data/raw/<data.source>`; empty or left out for none.
        revision: a commit to start from; without it, origin's main branch as it is now.
        stage_timeout: seconds that any one stage may take.
    """
    end_with_worker()
    project = Path.cwd()
    check_project(project)
    base = choose_base(project, revision)
    name = f"retrain-{str(flow_run.id or 'here')[:8]}"
    with workspace(project, name, base.commit) as folder:
        pull_data(folder)
        params = bring_changes(folder, overrides or {}, incoming)
        run_stages(folder, stage_timeout)
        show_results(folder, keep_report(folder, name))
        if not proposal.stage_changes(folder):
            return Completed(name=UNCHANGED, message="nothing differs from the base: no proposal")
        decision = judge_model(project, folder, base, params, stage_timeout)
        if not decision.passed:
            return Failed(name=REJECTED, message=decision.line)
        push_data(folder)
        pushed = push_branch(folder, base, decision)
        opened = open_request(folder, base, pushed, decision)
        return Completed(name=PROPOSED, message=_summary(opened))


def _task(name: str, retries: int = 0) -> Callable[[Callable[..., Any]], Any]:
    return task(
        name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False, retries=retries
    )


def _log(line: str) -> None:
    get_run_logger().info("%s", line)


@_task("choose_base", TRANSFER_RETRIES)
def choose_base(project: Path, revision: str | None) -> Base:
    git.fetch(project)
    branch = git.default_branch(project)
    base = Base(git.commit_of(revision or f"{git.ORIGIN}/{branch}", project), branch)
    _log(f"starting from {base.commit}; the proposal goes to {branch}")
    return base


@_task("pull_data", TRANSFER_RETRIES)
def pull_data(folder: Path) -> None:
    transfer.pull(folder, _log)


@_task("bring_changes")
def bring_changes(folder: Path, overrides: dict[str, Any], source: str | None) -> Params:
    """Parameters first: they say which data is meant, and a wrong one costs nothing yet."""
    params = parameters.edit(overrides, folder / parameters.PARAMS_FILE)
    ingestion.update_imports(folder, _log)
    if source:
        ingestion.take(Path(source), folder, params.data.source, _log)
    transfer.fetch_known(folder, STAGES, _log)
    return params


@_task("judge_model")
def judge_model(
    project: Path, folder: Path, base: Base, params: Params, timeout: float | None
) -> Decision:
    """Compare candidate and base, write gate.json, and show the decision in Prefect's page."""
    candidates = [measured_at(None, folder)]
    bases = [measured_at(base.commit, folder)]
    trials = rescoring.Trials(project, folder, base.commit, params, timeout, _log)
    if bases[0].terms != candidates[0].terms:
        _log("evaluator or profile has changed: the base's model is measured again by the new one")
        bases = [trials.base(params.seed, train=False)]
    seeds = range(params.seed, params.seed + params.gate.seeds)
    for seed in seeds[1:]:
        candidates.append(trials.candidate(seed))
        bases.append(trials.base(seed, train=True))
    decision = write_record(folder, base.commit, params.gate, seeds, bases, candidates)
    create_markdown_artifact(decision.as_markdown(), "verdict", "What the gate says")
    _log(decision.line)
    return decision


@_task("push_data", TRANSFER_RETRIES)
def push_data(folder: Path) -> None:
    transfer.push(folder, _log)


@_task("push_branch", TRANSFER_RETRIES)
def push_branch(folder: Path, base: Base, decision: Decision) -> proposal.Proposal:
    branch = proposal.branch_name(folder, base.commit)
    proposal.commit(folder, base.commit, title(decision), decision.as_markdown())
    commit, is_new = proposal.push(folder, branch)
    _log(f"{branch} {'pushed' if is_new else 'is there already'}")
    return proposal.Proposal(branch, commit, "pushed" if is_new else "already there")


@_task("open_request")
def open_request(
    folder: Path, base: Base, pushed: proposal.Proposal, decision: Decision
) -> proposal.Proposal:
    opened = proposal.open_request(
        folder, pushed, base.branch, title(decision), decision.as_markdown() + _how_to_look(base)
    )
    if opened.command:
        _log(f"to open the pull request: {opened.command}")
    create_markdown_artifact(
        f"{decision.as_markdown()}\n{_summary(opened)}\n", "proposal", "What was proposed"
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


def _how_to_look(base: Base) -> str:
    return (
        "\nTo look closer, on this branch:\n\n"
        f"    dvc pull\n    dvc metrics diff {base.commit[:12]}\n"
        f"    dvc params diff {base.commit[:12]}\n"
    )


def _summary(opened: proposal.Proposal) -> str:
    words = f"{opened.branch} {opened.state}"
    if opened.address:
        words += f": {opened.address}"
    return words + (f"; to open the pull request: {opened.command}" if opened.command else "")
