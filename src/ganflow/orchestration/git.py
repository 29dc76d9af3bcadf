"""The few things that the flows ask of git. Nothing here takes a branch name from a run."""

from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.orchestration import processes

ORIGIN = "origin"
NETWORK_SECONDS = 600.0


def git(
    *arguments: str,
    cwd: Path,
    what: str = "git could not do what it was asked",
    remedy: str = "git status",
    network: bool = False,
) -> str:
    """Run git, never asking anybody for a password, and return what it printed.

    Raises:
        CommandError: with git's last lines, below `what`.
    """
    return processes.checked(
        ["git", "-c", "core.askPass=", "-c", "credential.interactive=false", *arguments],
        cwd=cwd,
        what=what,
        remedy=remedy,
        with_secrets=network,
        timeout=NETWORK_SECONDS,
    )


def succeeds(*arguments: str, cwd: Path) -> bool:
    """Whether git answers yes."""
    return processes.run(["git", *arguments], cwd=cwd, timeout=NETWORK_SECONDS).code == 0


def commit_of(revision: str, cwd: Path) -> str:
    """The full hash of a revision: from here on nothing depends on what the name means later.

    Raises:
        CommandError: if there is no such revision.
    """
    return git(
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        cwd=cwd,
        what=f"there is no revision {revision!r} here",
        remedy="git fetch --all, then git branch --all",
    ).strip()


def fetch(cwd: Path) -> None:
    """Bring what origin has; a shallow clone is refused, for DVC cannot work in it."""
    if succeeds("rev-parse", "--is-shallow-repository", cwd=cwd) and (
        git("rev-parse", "--is-shallow-repository", cwd=cwd).strip() == "true"
    ):
        raise GanflowError(
            "this clone is shallow: the history that a retraining starts from is not here",
            where=str(cwd),
            expected="a clone with its whole history",
            run="git fetch --unshallow",
        )
    git(
        "fetch",
        "--quiet",
        "--prune",
        ORIGIN,
        cwd=cwd,
        what="origin could not be reached",
        remedy="git fetch origin (with the worker's own account)",
        network=True,
    )


def default_branch(cwd: Path) -> str:
    """The branch that origin calls its own: `main`, `master`, ..."""
    listed = git(
        "ls-remote",
        "--symref",
        ORIGIN,
        "HEAD",
        cwd=cwd,
        what="origin could not be reached",
        remedy="git remote --verbose",
        network=True,
    )
    for line in listed.splitlines():
        if line.startswith("ref: refs/heads/"):
            return line.split()[1].removeprefix("refs/heads/")
    raise GanflowError(
        "origin does not say which of its branches is the main one",
        where=str(cwd),
        expected="a remote HEAD",
        run="git remote set-head origin --auto",
    )


def remote_commit(branch: str, cwd: Path) -> str | None:
    """The commit that a branch stands at in origin, asked now."""
    listed = git(
        "ls-remote",
        "--heads",
        ORIGIN,
        f"refs/heads/{branch}",
        cwd=cwd,
        what="origin could not be reached",
        remedy="git ls-remote origin",
        network=True,
    )
    return listed.split()[0] if listed.strip() else None


def show(path: str, cwd: Path) -> str:
    """The whole text of a file in a revision, `REVISION:PATH`."""
    lines: list[str] = []
    processes.run(["git", "cat-file", "blob", path], cwd=cwd, on_line=lines.append, timeout=60)
    return "\n".join(lines)
