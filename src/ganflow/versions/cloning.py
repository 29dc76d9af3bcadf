"""The clone that a worker keeps: its first run makes it, and each later run updates it.

Prefect's own `git_clone` step makes a new clone of depth 1 for every run. DVC cannot work in it,
and it shares neither cache nor checkpoints with the next run.
"""

import os
import shutil
from pathlib import Path

from filelock import FileLock

from ganflow.base.errors import GanflowError
from ganflow.versions import git
from ganflow.versions.commands import without_credentials


def whole_clone(repository: str, folder: str) -> dict[str, str]:
    """Clone `repository` into `folder`, or update it there, with its whole history.

    This is a pull step for Prefect: the run then works in that folder, at the default branch.
    Changes to tracked files in it are dropped.

    Args:
        repository: an address that git understands.
        folder: where the clone is, or will be.

    Returns:
        {"directory": the folder}, which Prefect changes to.

    Raises:
        GanflowError: if git fails, or the folder holds something else.
    """
    clone = Path(folder).absolute()
    clone.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(clone.with_name(f"{clone.name}.lock")):  # runs that start together make one clone
        if not clone.exists():
            draft = clone.with_name(f"{clone.name}.partial")
            shutil.rmtree(draft, ignore_errors=True)
            _ask_remote("clone", "--quiet", "--", repository, str(draft), cwd=clone.parent)
            draft.rename(clone)
        elif git.run("rev-parse", "--show-toplevel", cwd=clone).strip() != str(clone.resolve()):
            raise GanflowError(
                "this folder is not the top of a clone",
                where=str(clone),
                expected=f"a clone of {without_credentials(repository)}, or nothing",
                run=f"mv {clone} {clone}.old",
            )
        git.run("remote", "set-url", "origin", repository, cwd=clone)
        _ask_remote("fetch", "--quiet", "--prune", "origin", cwd=clone)
        _ask_remote("remote", "set-head", "origin", "--auto", cwd=clone)
        git.run("checkout", "--quiet", "--force", "--detach", "origin/HEAD", cwd=clone)
    os.chdir(clone)
    return {"directory": str(clone)}


def _ask_remote(*arguments: str, cwd: Path) -> None:
    git.run(*arguments, cwd=cwd, remedy="git ls-remote ADDRESS (it must not ask for a password)")
