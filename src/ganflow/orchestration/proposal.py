"""Proposing a retrained model: a branch and a pull request."""

import hashlib
import json
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ganflow.base.errors import GanflowError
from ganflow.base.paths import EVALUATION, RAW
from ganflow.orchestration import processes
from ganflow.stages.lock import LOCK, recorded
from ganflow.versions import git
from ganflow.versions.gate_record import GATE_RECORD
from ganflow.versions.git import ORIGIN, remote_commit, succeeds

State = Literal["opened", "updated", "pushed", "already there"]

PREFIX = "retrain/"
PROPOSED = ("dvc.lock", "params.yaml", str(LOCK), str(EVALUATION), str(RAW / ".gitignore"))


@dataclass(frozen=True)
class Proposal:
    """The pushed branch and its pull request; `command` opens it if neither tool could."""

    branch: str
    commit: str
    state: State
    address: str = ""
    command: str = ""


def stage_changes(folder: Path) -> bool:
    """Stage the files that a retraining may change; return whether any has changed."""
    pointers = [str(p.relative_to(folder)) for p in sorted((folder / RAW).glob("*.dvc"))]
    present = [path for path in PROPOSED if (folder / path).exists()]
    git.run("add", "--all", "--", *present, *pointers, cwd=folder)
    return not succeeds("diff", "--cached", "--quiet", cwd=folder)


def branch_name(folder: Path, base: str) -> str:
    """`retrain/` and a hash of base, parameters, versions and data, the inputs of a retraining.

    Git's index has a hash of the raw data, whether the files or a .dvc file are in git.
    """
    parameters = (folder / "params.yaml").read_bytes()
    data = git.run("ls-files", "--stage", "--", str(RAW), cwd=folder).rstrip("\n")
    versions = json.dumps(recorded(folder)).encode()
    digest = hashlib.sha256(b"\0".join([base.encode(), parameters, versions, data.encode()]))
    return PREFIX + digest.hexdigest()[:12]


def commit(folder: Path, base: str, title: str, body: str) -> None:
    """Commit the index and the gate's record, unless an earlier attempt has done so."""
    if git.commit_of("HEAD", folder) != base:
        return
    if (folder / GATE_RECORD).exists():
        git.run("add", "--", str(GATE_RECORD), cwd=folder)
    git.run(
        "commit",
        "--quiet",
        f"--message={title}",
        f"--message={body}",
        cwd=folder,
        what="git did not commit the result",
        remedy='git config user.name "..." && git config user.email "..."',
    )


def push(folder: Path, branch: str) -> tuple[str, bool]:
    """Push HEAD to `branch` in origin; return the branch's commit and whether it is new.

    An existing branch is never changed. If it has the same content, an earlier attempt pushed it.

    Raises:
        GanflowError: if the branch exists with other content.
    """
    there = remote_commit(branch, folder)
    if there is None:
        git.run(
            "push",
            "--quiet",
            f"--force-with-lease=refs/heads/{branch}:",
            ORIGIN,
            f"HEAD:refs/heads/{branch}",
            cwd=folder,
            what=f"the branch {branch} could not be pushed",
            remedy="git push --dry-run origin HEAD (with the worker's own account)",
        )
        return git.commit_of("HEAD", folder), True
    git.run("fetch", "--quiet", ORIGIN, f"refs/heads/{branch}", cwd=folder)
    if succeeds("diff", "--quiet", there, "HEAD", cwd=folder):
        return there, False
    raise GanflowError(
        f"origin has another model on the branch {branch}, from the same inputs",
        where=ORIGIN,
        expected="the same results from the same inputs (they may differ on another type of "
        "processor), and no commits by others on the branch",
        run=f"review that branch, or git push origin --delete {branch}, then run this again",
    )


def open_request(folder: Path, proposal: Proposal, base: str, title: str, body: str) -> Proposal:
    """Open the pull request of `proposal.branch` into `base`, or update the existing one.

    Without `gh` or `glab`, or if they fail, the result has the exact command instead.
    """
    branch, address = proposal.branch, git.run("remote", "get-url", ORIGIN, cwd=folder)
    if shutil.which("gh") and "github" in address:
        create = _create_on_github(branch, base, title, body)
        update = ["gh", "pr", "edit", branch, "--body", body]
    elif shutil.which("glab") and "gitlab" in address:
        names = ("--source-branch", branch, "--target-branch", base)
        create = ["glab", "mr", "create", *names, "--title", title, "--description", body, "--yes"]
        update = ["glab", "mr", "update", branch, "--description", body]
    else:
        create = _create_on_github(branch, base, title, "the decision above")
        return replace(proposal, command=shlex.join(create))
    # Neither tool opens a second request of the same branch.
    attempts: dict[State, list[str]] = {"opened": create, "updated": update}
    for state, command in attempts.items():
        environment = processes.environment(with_secrets=True)
        ended = processes.run(command, cwd=folder, env=environment, timeout=120)
        if ended.code == 0:
            return replace(proposal, state=state, address="".join(ended.tail[-1:]))
    return replace(proposal, command=shlex.join(create))


def _create_on_github(branch: str, base: str, title: str, body: str) -> list[str]:
    names = ("--head", branch, "--base", base)
    return ["gh", "pr", "create", *names, "--title", title, "--body", body]
