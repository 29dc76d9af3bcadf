"""A clone that a worker keeps: made by its first run, brought up to date by each later one.

Prefect's own `git_clone` step makes a new clone of depth 1 for every run, in which DVC cannot
work and which shares neither cache nor checkpoints with the next.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from ganflow.base.errors import GanflowError


def whole_clone(repository: str, folder: str) -> dict[str, str]:
    """Have a clone of `repository` in `folder`, with its whole history, at its main branch.

    A pull step of Prefect's: the run then works in that folder. The clone is the worker's own;
    changes to tracked files in it are dropped.

    Args:
        repository: an address that git understands.
        folder: where the clone is, or will be.

    Returns:
        {"directory": the folder}, which Prefect changes to.

    Raises:
        GanflowError: if git cannot get it, or the folder holds something else.
    """
    place = Path(folder).absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # runs that start together make one clone
        if not place.exists():
            draft = place.with_name(f"{place.name}.partial")
            shutil.rmtree(draft, ignore_errors=True)
            _git("clone", "--quiet", "--", repository, str(draft), cwd=place.parent)
            draft.rename(place)
        elif _git("rev-parse", "--show-toplevel", cwd=place).strip() != str(place.resolve()):
            raise GanflowError(
                "this folder is not the top of a clone",
                where=str(place),
                expected=f"a clone of {_bare(repository)}, or nothing",
                run=f"mv {place} {place}.old",
            )
        _git("remote", "set-url", "origin", repository, cwd=place)
        _git("fetch", "--quiet", "--prune", "origin", cwd=place)
        _git("remote", "set-head", "origin", "--auto", cwd=place)
        _git("checkout", "--quiet", "--force", "--detach", "origin/HEAD", cwd=place)
    os.chdir(place)
    return {"directory": str(place)}


def _git(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "\n".join(f"  | {_bare(line)}" for line in done.stderr.splitlines()[-5:])
        raise GanflowError(
            f"git {words[0]} failed:\n{said}",
            where=str(cwd),
            expected="a repository that this account may read",
            run="git ls-remote ADDRESS (it must not ask for a password)",
        )
    return done.stdout


def _bare(text: str) -> str:
    """The text without the user and password of an address."""
    scheme, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else text
