"""A clone that a worker keeps: made by its first run, brought up to date by each later one.

Prefect's own `git_clone` step makes a new clone of depth 1 for every run, in which DVC cannot
work and which shares neither cache nor checkpoints with the next.
"""

import fcntl
import os
import shutil
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.versions import git
from ganflow.versions.commands import without_credentials


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
            git.run("clone", "--quiet", "--", repository, str(draft), cwd=place.parent)
            draft.rename(place)
        elif git.run("rev-parse", "--show-toplevel", cwd=place).strip() != str(place.resolve()):
            raise GanflowError(
                "this folder is not the top of a clone",
                where=str(place),
                expected=f"a clone of {without_credentials(repository)}, or nothing",
                run=f"mv {place} {place}.old",
            )
        git.run("remote", "set-url", "origin", repository, cwd=place)
        git.run("fetch", "--quiet", "--prune", "origin", cwd=place)
        git.run("remote", "set-head", "origin", "--auto", cwd=place)
        git.run("checkout", "--quiet", "--force", "--detach", "origin/HEAD", cwd=place)
    os.chdir(place)
    return {"directory": str(place)}
