"""A retrained model as a branch and a pull request that a person can merge."""

import hashlib
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganflow.base.errors import GanflowError
from ganflow.base.paths import EVALUATION, RAW
from ganflow.orchestration import processes
from ganflow.versions import git
from ganflow.versions.gate_record import GATE_RECORD
from ganflow.versions.git import ORIGIN, remote_commit, succeeds

PREFIX = "retrain/"
PROPOSED = ("dvc.lock", "params.yaml", str(EVALUATION))


@dataclass(frozen=True)
class Proposal:
    """Where the reviewer finds the model; `command` opens the pull request if nothing could."""

    branch: str
    commit: str
    state: Literal["opened", "updated", "pushed", "already there"]
    address: str = ""
    command: str = ""


def stage_changes(folder: Path) -> bool:
    """Put what a retraining may change into git's index; whether that is anything at all."""
    pointers = [str(p.relative_to(folder)) for p in sorted((folder / RAW).glob("*.dvc"))]
    ignore = [str(RAW / ".gitignore")] if (folder / RAW / ".gitignore").exists() else []
    present = [path for path in PROPOSED if (folder / path).exists()]
    git.run("add", "--all", "--", *present, *pointers, *ignore, cwd=folder)
    return not succeeds("diff", "--cached", "--quiet", cwd=folder)


def branch_name(folder: Path, base: str) -> str:
    """`retrain/` and a hash of base, parameters and data: equal inputs get the same branch.

    What stands in git's index for the raw data is its content's hash, in git or in a .dvc file.
    """
    parameters = (folder / "params.yaml").read_bytes()
    data = git.run("ls-files", "--stage", "--", str(RAW), cwd=folder).rstrip("\n")
    digest = hashlib.sha256(b"\0".join([base.encode(), parameters, data.encode()]))
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
    """Push HEAD to `branch` in origin; the commit that is there then, and whether it is new.

    A branch that is there already is left alone if it says the same (an earlier attempt pushed
    it), and also if it does not: somebody is working on it.

    Raises:
        GanflowError: if the branch holds something else.
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
        expected="equal inputs to give equal results (another type of processor may not), "
        "and nobody to have changed the branch",
        run=f"review that branch, or git push origin --delete {branch}, then run this again",
    )


def open_request(folder: Path, proposal: Proposal, base: str, title: str, body: str) -> Proposal:
    """Open the pull request of `proposal.branch` into `base`, or update the one that is there.

    Without `gh` or `glab`, or if they fail, the answer holds the exact command instead.
    """
    branch, commit = proposal.branch, proposal.commit
    for tool in (_GitHub(), _GitLab()):
        if not tool.serves(folder):
            continue
        number = tool.find(folder, branch)
        if number:
            address = tool.update(folder, number, body)
            return Proposal(branch, commit, "updated", address)
        command = tool.create(branch, base, title, body)
        ended = _quiet(command, folder)
        if ended.code == 0:
            return Proposal(branch, commit, "opened", ended.text.strip().splitlines()[-1])
        return Proposal(branch, commit, proposal.state, command=shlex.join(command))
    command = _GitHub().create(branch, base, title, "the decision above")
    return Proposal(branch, commit, proposal.state, command=shlex.join(command))


def _quiet(command: list[str], folder: Path) -> processes.Finished:
    return processes.run(
        command, cwd=folder, env=processes.environment(with_secrets=True), timeout=120
    )


class _GitHub:
    tool, host = "gh", "github"

    def serves(self, folder: Path) -> bool:
        if not shutil.which(self.tool):
            return False
        return self.host in git.run("remote", "get-url", ORIGIN, cwd=folder)

    def find(self, folder: Path, branch: str) -> str:
        ended = _quiet(
            [self.tool, "pr", "list", "--head", branch, "--json", "number", "--jq", ".[0].number"],
            folder,
        )
        return ended.text.strip() if ended.code == 0 and ended.text.strip().isdigit() else ""

    def create(self, branch: str, base: str, title: str, body: str) -> list[str]:
        return [
            *(self.tool, "pr", "create", "--head", branch, "--base", base),
            *("--title", title, "--body", body),
        ]

    def update(self, folder: Path, number: str, body: str) -> str:
        _quiet([self.tool, "pr", "edit", number, "--body", body], folder)
        return f"pull request {number}"


class _GitLab(_GitHub):
    tool, host = "glab", "gitlab"

    def find(self, folder: Path, branch: str) -> str:
        ended = _quiet(
            [self.tool, "mr", "list", "--source-branch", branch, "--output", "json"], folder
        )
        if ended.code != 0:
            return ""
        import json

        try:
            found = json.loads(ended.text)
        except ValueError:
            return ""
        return str(found[0]["iid"]) if found else ""

    def create(self, branch: str, base: str, title: str, body: str) -> list[str]:
        return [
            *(self.tool, "mr", "create", "--source-branch", branch, "--target-branch", base),
            *("--title", title, "--description", body, "--yes"),
        ]

    def update(self, folder: Path, number: str, body: str) -> str:
        _quiet([self.tool, "mr", "update", number, "--description", body], folder)
        return f"merge request {number}"
