"""An isolated copy of the project for one run: a git worktree that shares DVC's cache.

Whatever goes wrong in it, the checkout that the worker was deployed from, and the model that
is in use there, are not touched.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configobj import ConfigObj  # type: ignore[import-untyped]

from ganflow.base.errors import GanflowError
from ganflow.base.paths import state_folder
from ganflow.orchestration import processes
from ganflow.versions import dvc, git

DVC_SECONDS = 3600.0 * 6


class BusyError(GanflowError):
    """Something that cannot share the project with what is going on in it."""


@contextmanager
def project_lock(*, exclusive: bool) -> Iterator[None]:
    """Hold off the housekeeping (shared), or everybody (exclusive).

    It is the operating system's lock: it ends with the process that holds it.

    Raises:
        BusyError: if the other kind is held.
    """
    path = state_folder() / "workspaces.lock"
    with path.open("a") as stream:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                "a retraining is going on" if exclusive else "the cache is being cleaned",
                where=str(path),
                expected="retraining and housekeeping one after the other",
                run="the same again later",
            ) from None
        yield


@contextmanager
def exclusively(what: str) -> Iterator[None]:
    """Wait until no other process of this clone does the same, then hold it off."""
    with (state_folder() / f"{what}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def workspace(project: Path, name: str, commit: str) -> Iterator[Path]:
    """A worktree of `project` at `commit`, which is removed if the block succeeds.

    After a failure it stays, to be looked at; the weekly housekeeping removes it. One that is
    left from an earlier attempt under the same name is replaced.

    Args:
        project: the clone to work from.
        name: of the folder; chosen by the program, never by a run's parameters.
        commit: the full hash of the revision to start from.
    """
    folder = state_folder() / "workspaces" / name
    # Checkpoints are shared: a run that is repeated goes on where the last one was stopped.
    os.environ["GANFLOW_STATE"] = str(state_folder())
    with project_lock(exclusive=False):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with exclusively("worktrees"):
            remove_workspace(project, folder)
            git.run("worktree", "add", "--quiet", "--detach", str(folder), commit, cwd=project)
        share_cache(project, folder)
        yield folder
        with exclusively("worktrees"):
            remove_workspace(project, folder)


def remove_workspace(project: Path, folder: Path) -> None:
    """Remove a worktree, whole or in ruins, and git's record of it."""
    if folder.exists():
        shutil.rmtree(folder)
    git.run("worktree", "prune", cwd=project)


def share_cache(project: Path, folder: Path) -> None:
    """Carry over the clone's own DVC settings; its cache and relative remotes as absolute paths.

    DVC takes a relative path in its settings as seen from the file it stands in, and the
    workspace's files stand elsewhere.
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
    settings.setdefault("cache", {})["dir"] = cache_folder(project)
    # What DVC notes about a workspace (hashes by file) goes with it.
    settings.setdefault("core", {})["site_cache_dir"] = str(folder / ".dvc" / "tmp" / "site")
    settings.write()


def cache_folder(project: Path) -> str:
    """The absolute path of the project's DVC cache."""
    return processes.checked(
        dvc.command("cache", "dir"),
        cwd=project,
        what="DVC does not say where its cache is",
        remedy="dvc doctor",
        timeout=60,
    ).strip()
