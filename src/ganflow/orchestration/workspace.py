"""A workspace for one run: a git worktree that shares DVC's cache.

A run in a workspace does not change the checkout that the flows were deployed from, nor the model
in it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configobj import ConfigObj  # type: ignore[import-untyped]
from filelock import FileLock

from ganflow.base.errors import GanflowError
from ganflow.base.paths import state_folder
from ganflow.orchestration import processes
from ganflow.stages.lock import LOCK, record
from ganflow.versions import dvc, git


class BusyError(GanflowError):
    """Retraining and housekeeping were started at the same time."""


@contextmanager
def project_lock(*, exclusive: bool) -> Iterator[None]:
    """Lock the project: retrainings share the lock, housekeeping needs it exclusively.

    It is a file lock: the operating system releases it when the process ends.

    Raises:
        BusyError: if the lock cannot be had now.
    """
    path = state_folder() / "workspaces.lock"
    with path.open("a") as stream:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                "a retraining is running" if exclusive else "housekeeping is running",
                where=str(path),
                expected="retraining and housekeeping one after the other",
                run="this flow again later",
            ) from None
        yield


def lock_of(what: str) -> FileLock:
    """This clone's lock named `what`, to be waited for and held."""
    return FileLock(state_folder() / f"{what}.lock")


@contextmanager
def workspace(project: Path, name: str, commit: str) -> Iterator[Path]:
    """Create a worktree of `project` at `commit`, and remove it if the block succeeds.

    After a failure the worktree stays for inspection until the weekly housekeeping removes it. A
    worktree of the same name from an earlier attempt is replaced.

    Args:
        project: the clone.
        name: the folder's name; it must not come from a run's parameters.
        commit: the full hash of the revision.
    """
    folder = state_folder() / "workspaces" / name
    # The workspace shares the checkpoints, so a repeated run resumes an interrupted training.
    os.environ["GANFLOW_STATE"] = str(state_folder())
    with project_lock(exclusive=False):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock_of("worktrees"):
            remove_workspace(project, folder)
            git.run("worktree", "add", "--quiet", "--detach", str(folder), commit, cwd=project)
        share_cache(project, folder)
        if (folder / LOCK).exists():
            record(folder)  # what runs here is what is installed now
        yield folder
        with lock_of("worktrees"):
            remove_workspace(project, folder)


def remove_workspace(project: Path, folder: Path) -> None:
    """Remove a worktree, complete or not, and git's record of it."""
    if folder.exists():
        shutil.rmtree(folder)
    git.run("worktree", "prune", cwd=project)


def share_cache(project: Path, folder: Path) -> None:
    """Copy the clone's local DVC settings, with absolute paths for its cache and remotes.

    DVC resolves a relative path from the folder of its configuration file, which is another folder
    in the workspace.
    """
    target = folder / ".dvc" / "config.local"
    settings = ConfigObj(str(target), encoding="utf-8")
    for name in ("config", "config.local"):
        source = project / ".dvc" / name
        if not source.exists():
            continue
        for section, values in ConfigObj(str(source), encoding="utf-8").items():
            if name == "config.local":
                settings.setdefault(section, {}).update(values)
            url = values.get("url") if isinstance(values, dict) else None
            if url and "://" not in url and not Path(url).is_absolute():
                absolute = os.path.normpath(source.parent / url)
                settings.setdefault(section, {})["url"] = absolute
    settings.setdefault("cache", {})["dir"] = processes.checked(
        dvc.command("cache", "dir"),
        cwd=project,
        what="DVC does not say where its cache is",
        remedy="dvc doctor",
        timeout=60,
    ).strip()
    # DVC's records about the workspace (file hashes) are removed with it.
    settings.setdefault("core", {})["site_cache_dir"] = str(folder / ".dvc" / "tmp" / "site")
    settings.write()
