"""Proposing a retrained model: a branch and a pull request."""

import hashlib
import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganflow.base.environment import LOCK, recorded_versions
from ganflow.base.errors import GanflowError
from ganflow.base.paths import EVALUATION, RAW
from ganflow.orchestration import processes
from ganflow.versions import git
from ganflow.versions.gate_record import GATE_RECORD
from ganflow.versions.git import ORIGIN, remote_commit, succeeds

PREFIX = "retrain/"
PROPOSED = ("dvc.lock", "params.yaml", str(LOCK), str(EVALUATION))


@dataclass(frozen=True)
class Proposal:
    """The pushed branch and its pull request; `command` opens it if neither tool could."""

    branch: str
    commit: str
    state: Literal["opened", "updated", "pushed", "already there"]
    address: str = ""
    command: str = ""


def stage_changes(folder: Path) -> bool:
    """Stage the files that a retraining may change; return whether any has changed."""
    pointers = [str(p.relative_to(folder)) for p in sorted((folder / RAW).glob("*.dvc"))]
    ignore = [str(RAW / ".gitignore")] if (folder / RAW / ".gitignore").exists() else []
    present = [path for path in PROPOSED if (folder / path).exists()]
    git.run("add", "--all", "--", *present, *pointers, *ignore, cwd=folder)
    return not succeeds("diff", "--cached", "--quiet", cwd=folder)


def branch_name(folder: Path, base: str) -> str:
    """`retrain/` and a hash of base, parameters, versions and data, the inputs of a retraining.

    Git's index has a hash of the raw data, whether the files or a .dvc file are in git.
    """
    parameters = (folder / "params.yaml").read_bytes()
    data = git.run("ls-files", "--stage", "--", str(RAW), cwd=folder).rstrip("\n")
    versions = json.dumps(recorded_versions(folder)).encode()
    digest = hashlib.sha256(b"\0".join([base.encode(), parameters, versions, data.encode()]))
    return PREFIX + digest.hexdigest()[:12]


def commit(folder: Path, base: str, title: str, body: str) -> str:
    """Commit the index and the gate's record, unless an earlier attempt has done so."""
    if git.run("rev-parse", "HEAD", cwd=folder).strip() != base:
        return git.run("rev-parse", "HEAD", cwd=folder).strip()
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
    return git.run("rev-parse", "HEAD", cwd=folder).strip()


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
        return git.run("rev-parse", "HEAD", cwd=folder).strip(), True
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
    branch, commit = proposal.branch, proposal.commit
    for tool in (_GitHub(), _GitLab()):
        if not tool.handles(folder):
            continue
        number = tool.find_open(folder, branch)
        if number:
            address = tool.update(folder, number, body)
            return Proposal(branch, commit, "updated", address)
        command = tool.create_command(branch, base, title, body)
        ended = _run_tool(command, folder)
        if ended.code == 0:
            return Proposal(branch, commit, "opened", ended.text.strip().splitlines()[-1])
        return Proposal(branch, commit, proposal.state, command=shlex.join(command))
    command = _GitHub().create_command(branch, base, title, "the decision above")
    return Proposal(branch, commit, proposal.state, command=shlex.join(command))


def _run_tool(command: list[str], folder: Path) -> processes.Finished:
    return processes.run(
        command, cwd=folder, env=processes.environment(with_secrets=True), timeout=120
    )


class _GitHub:
    tool, host = "gh", "github"

    def handles(self, folder: Path) -> bool:
        if not shutil.which(self.tool):
            return False
        return self.host in git.run("remote", "get-url", ORIGIN, cwd=folder)

    def find_open(self, folder: Path, branch: str) -> str:
        ended = _run_tool(
            [self.tool, "pr", "list", "--head", branch, "--json", "number", "--jq", ".[0].number"],
            folder,
        )
        return ended.text.strip() if ended.code == 0 and ended.text.strip().isdigit() else ""

    def create_command(self, branch: str, base: str, title: str, body: str) -> list[str]:
        return [
            *(self.tool, "pr", "create", "--head", branch, "--base", base),
            *("--title", title, "--body", body),
        ]

    def update(self, folder: Path, number: str, body: str) -> str:
        _run_tool([self.tool, "pr", "edit", number, "--body", body], folder)
        return f"pull request {number}"


class _GitLab(_GitHub):
    tool, host = "glab", "gitlab"

    def find_open(self, folder: Path, branch: str) -> str:
        ended = _run_tool(
            [self.tool, "mr", "list", "--source-branch", branch, "--output", "json"], folder
        )
        if ended.code != 0:
            return ""
        try:
            found = json.loads(ended.text)
        except ValueError:
            return ""
        return str(found[0]["iid"]) if found else ""

    def create_command(self, branch: str, base: str, title: str, body: str) -> list[str]:
        return [
            *(self.tool, "mr", "create", "--source-branch", branch, "--target-branch", base),
            *("--title", title, "--description", body, "--yes"),
        ]

    def update(self, folder: Path, number: str, body: str) -> str:
        _run_tool([self.tool, "mr", "update", number, "--description", body], folder)
        return f"merge request {number}"
