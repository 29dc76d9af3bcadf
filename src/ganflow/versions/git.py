"""All calls of git. A function here takes a branch name only from the program, not from a user."""

import re
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.versions import commands
from ganflow.versions.commands import CommandResult

ORIGIN = "origin"
SECONDS = 600.0
TRUST = re.compile(r"git config --global --add safe\.directory .*")


def attempt(*arguments: str, cwd: Path, timeout: float = SECONDS) -> CommandResult:
    """Run git, which may fail."""
    command = ["git", "-c", "core.askPass=", "-c", "credential.interactive=false", *arguments]
    return commands.attempt(command, cwd=cwd, timeout=timeout)


def run(
    *arguments: str,
    cwd: Path,
    what: str = "",
    remedy: str = "git status",
    timeout: float = SECONDS,
) -> str:
    """Run git, which must succeed, and return its output.

    Args:
        what: the error message if it fails.
        remedy: the command that the user should run after a failure.

    Raises:
        GanflowError: with git's last lines.
    """
    result = attempt(*arguments, cwd=cwd, timeout=timeout)
    if result.code:
        check_trusted(result, cwd)
        raise result.error(what or f"git {arguments[0]} failed", cwd=cwd, remedy=remedy)
    return result.text


def check_trusted(result: CommandResult, cwd: Path) -> None:
    """Refuse a repository that git does not use because another user owns it.

    Raises:
        GanflowError: with git's own command, which it names in every language.
    """
    if trusted := TRUST.search(result.errors):
        raise GanflowError(
            "the repository belongs to another user, and git does not use it",
            where=str(cwd),
            expected="a clone of this user's own, or one that is trusted",
            run=trusted[0].strip(),
        )


def succeeds(*arguments: str, cwd: Path) -> bool:
    """Whether git exits with status 0."""
    return attempt(*arguments, cwd=cwd).code == 0


def commit_of(revision: str, cwd: Path) -> str:
    """The full hash of the commit that a revision names now.

    Raises:
        GanflowError: if there is no such commit.
    """
    result = attempt(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", cwd=cwd
    )
    if result.code:
        check_trusted(result, cwd)
        raise GanflowError(
            f"git knows no revision {revision!r}",
            where=str(cwd),
            expected="a commit, a branch or a tag",
            run="git fetch, or git log --oneline -- dvc.lock (lists those with a model)",
        )
    return result.text.strip()


def content_at(path: Path, commit: str, cwd: Path) -> bytes | None:
    """The content of a file, given relative to `cwd`, in a commit; None if it is not in it."""
    result = attempt("show", f"{commit}:./{path.as_posix()}", cwd=cwd)
    return None if result.code else result.content


def is_shallow(cwd: Path) -> bool | None:
    """Whether a clone lacks a part of its history; None outside a repository."""
    result = attempt("rev-parse", "--is-shallow-repository", cwd=cwd)
    return None if result.code else result.text.strip() == "true"


def fetch(cwd: Path) -> None:
    """Fetch from origin.

    Raises:
        GanflowError: if origin cannot be reached.
    """
    run(
        "fetch",
        "--quiet",
        "--prune",
        ORIGIN,
        cwd=cwd,
        what="origin could not be reached",
        remedy="git fetch origin (with the worker's own account)",
    )


def default_branch(cwd: Path) -> str:
    """The name of origin's default branch: `main`, `master`, ..."""
    listed = run(
        "ls-remote",
        "--symref",
        ORIGIN,
        "HEAD",
        cwd=cwd,
        what="origin could not be reached",
        remedy="git remote --verbose",
    )
    for line in listed.splitlines():
        if line.startswith("ref: refs/heads/"):
            return line.split()[1].removeprefix("refs/heads/")
    raise GanflowError(
        "origin has no default branch",
        where=str(cwd),
        expected="a remote HEAD",
        run="git remote set-head origin --auto",
    )


def remote_commit(branch: str, cwd: Path) -> str | None:
    """The commit of a branch in origin at this moment; None if origin has no such branch."""
    listed = run(
        "ls-remote",
        "--heads",
        ORIGIN,
        f"refs/heads/{branch}",
        cwd=cwd,
        what="origin could not be reached",
        remedy="git ls-remote origin",
    )
    return listed.split()[0] if listed.strip() else None
