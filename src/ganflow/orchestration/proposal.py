"""Proposing a retrained model: a branch and a pull request."""

import hashlib
import json
import re
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
from ganflow.versions.start import POINTER, START_FILES

State = Literal["opened", "updated", "pushed", "already there"]

PREFIX = "retrain/"
PROPOSED = (
    "dvc.lock",
    "params.yaml",
    str(LOCK),
    str(EVALUATION),
    str(RAW / ".gitignore"),
    *(str(path) for path in START_FILES),
)


@dataclass(frozen=True)
class Proposal:
    """The pushed branch and its pull request; where there is none, `command` goes on by hand."""

    branch: str
    commit: str
    state: State
    address: str = ""
    command: str = ""


def stage_changes(folder: Path, base: str) -> bool:
    """Stage the files that a retraining may change; return whether any differs from the base."""
    pointers = [str(p.relative_to(folder)) for p in sorted((folder / RAW).glob("*.dvc"))]
    present = [path for path in PROPOSED if (folder / path).exists()]
    git.run("add", "--all", "--", *present, *pointers, cwd=folder)
    return not succeeds("diff", "--cached", "--quiet", base, cwd=folder)


def commit_data(folder: Path, title: str, body: str) -> None:
    """Commit new data alone, so that it can be reverted; nothing if `data/raw` is as before."""
    pointers = [str(p.relative_to(folder)) for p in sorted((folder / RAW).glob("*.dvc"))]
    ignored = [str(RAW / ".gitignore")] if (folder / RAW / ".gitignore").exists() else []
    git.run("add", "--all", "--", *pointers, *ignored, cwd=folder)
    if not succeeds("diff", "--cached", "--quiet", cwd=folder):
        _commit(folder, title, body)


def branch_name(folder: Path, base: str) -> str:
    """`retrain/` and a hash of base, parameters, versions and data, the inputs of a retraining.

    Git's index has a hash of the raw data, whether the files or a .dvc file are in git.
    """
    parameters = (folder / "params.yaml").read_bytes()
    data = git.run("ls-files", "--stage", "--", str(RAW), str(POINTER), cwd=folder).rstrip("\n")
    versions = json.dumps(recorded(folder)).encode()
    digest = hashlib.sha256(b"\0".join([base.encode(), parameters, versions, data.encode()]))
    return PREFIX + digest.hexdigest()[:12]


def commit(folder: Path, title: str, body: str) -> None:
    """Commit the index and the gate's record, unless an earlier attempt has done so."""
    if (folder / GATE_RECORD).exists():
        git.run("add", "--", str(GATE_RECORD), cwd=folder)
    if not succeeds("diff", "--cached", "--quiet", cwd=folder):
        _commit(folder, title, body)


def _commit(folder: Path, title: str, body: str) -> None:
    git.run(
        "commit",
        "--quiet",
        f"--message={title}",
        f"--message={body}",
        cwd=folder,
        what="git did not commit the result",
        remedy="git commit --allow-empty (with the worker's own name, address and signing key)",
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

    Where neither `gh` nor `glab` is logged in to origin's host, or the one that is fails, the
    result has the command to run by hand instead: of the client, or for a plain merge.
    """
    branch, host = proposal.branch, host_of(git.run("remote", "get-url", ORIGIN, cwd=folder))
    if _knows("gh", host, folder):
        names = ["--head", branch, "--base", base]
        create = ["gh", "pr", "create", *names, "--title", title, "--body", body]
        update = ["gh", "pr", "edit", branch, "--body", body]
    elif _knows("glab", host, folder):
        names = ["--source-branch", branch, "--target-branch", base]
        create = ["glab", "mr", "create", *names, "--title", title, "--description", body, "--yes"]
        update = ["glab", "mr", "update", branch, "--description", body]
    else:
        return replace(proposal, command=_plain_merge(branch, base))
    # Neither tool opens a second request of the same branch.
    attempts: dict[State, list[str]] = {"opened": create, "updated": update}
    for state, command in attempts.items():
        ended = _ask(command, folder)
        if ended.code == 0:
            return replace(proposal, state=state, address="".join(ended.tail[-1:]))
    return replace(proposal, command=shlex.join(create))


def host_of(address: str) -> str:
    """The host in the address of a git remote; empty for a folder."""
    found = re.match(r"[a-z][a-z0-9+.-]*://(?:[^/@]*@)?([^/:]*)|(?:[^/@:]*@)?([^/:]+):", address)
    return (found[1] or found[2] or "") if found else ""


def _knows(client: str, host: str, folder: Path) -> bool:
    """Whether a client is logged in to a host; only it knows which addresses are its service's."""
    if not host or not shutil.which(client):
        return False
    return _ask([client, "auth", "status", "--hostname", host], folder).code == 0


def _ask(command: list[str], folder: Path) -> processes.Finished:
    environment = processes.environment(with_secrets=True)
    return processes.run(command, cwd=folder, env=environment, timeout=120)


def _plain_merge(branch: str, base: str) -> str:
    return (
        f"git fetch {ORIGIN} && git switch {base} && git merge --ff-only {ORIGIN}/{base} && "
        f"git merge --no-ff {ORIGIN}/{branch} && git push {ORIGIN} {base}"
    )
