"""The flow `housekeeping`: remove what old runs have left, and what DVC's cache no longer needs."""

import shutil
import time
from pathlib import Path
from typing import Annotated

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed
from pydantic import Field

from ganflow.base.paths import state_folder
from ganflow.orchestration import processes
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.workspace import project_lock, remove_workspace
from ganflow.versions import dvc

DAY = 86_400.0


@flow(name="housekeeping", persist_result=False)
def housekeeping(days: Annotated[float, Field(ge=0)] = 14, dry_run: bool = True) -> State[None]:
    """Remove workspaces, checkpoints and reports unchanged for `days`, and unused cache files.

    The cache keeps the files of the checkout, of every branch, tag and experiment, and of the
    remaining workspaces. Housekeeping and retraining never run at the same time.

    Args:
        days: the minimum age in days of what is removed.
        dry_run: only list what would be removed.
    """
    begin_run()
    project = Path.cwd()
    with project_lock(exclusive=True):
        removed = remove_stale(project, days, dry_run)
        collected = collect_garbage(project, dry_run, removed)
    action = "would remove" if dry_run else "removed"
    text = "\n".join([f"- {path}" for path in removed] or ["- no stale folders"])
    create_markdown_artifact(
        f"**Housekeeping {action}:**\n\n{text}\n\nDVC's cache:\n\n```\n{collected}\n```\n",
        "housekeeping",
        "What was or would be removed",
    )
    return Completed(message=f"{action} {len(removed)} folders; {collected.splitlines()[-1]}")


def stale_folders(days: float, now: float) -> list[Path]:
    """Workspaces, checkpoints and reports in which no file has changed for `days`."""
    homes = [state_folder() / name for name in ("workspaces", "checkpoints", "reports")]
    found = [folder for home in homes if home.is_dir() for folder in sorted(home.iterdir())]
    return [folder for folder in found if now - _last_modified(folder) > days * DAY]


def _last_modified(folder: Path) -> float:
    entries = (entry for entry in folder.iterdir() if not entry.is_symlink())
    return max(entry.stat().st_mtime for entry in (folder, *entries))


@task(name="remove_stale", cache_policy=NO_CACHE, persist_result=False)
def remove_stale(project: Path, days: float, dry_run: bool) -> list[str]:
    log = get_run_logger()
    stale = stale_folders(days, time.time())
    for folder in stale:
        log.info("%s %s", "would remove" if dry_run else "removing", folder)
        if not dry_run and folder.parent.name == "workspaces":
            remove_workspace(project, folder)
        elif not dry_run:
            shutil.rmtree(folder)
    return [str(folder.relative_to(state_folder())) for folder in stale]


@task(name="collect_garbage", cache_policy=NO_CACHE, persist_result=False)
def collect_garbage(project: Path, dry_run: bool, stale: list[str]) -> str:
    """Run `dvc gc`, keeping every file that is still in use; return its output."""
    log = get_run_logger()
    home = state_folder() / "workspaces"
    folders = sorted(home.iterdir()) if home.is_dir() else []
    kept = [str(f) for f in folders if str(f.relative_to(state_folder())) not in stale]
    return processes.checked(
        [
            *dvc.command("gc", "--workspace", "--all-branches", "--all-tags", "--all-experiments"),
            *("--dry" if dry_run else "--force",),
            *(("--projects", *kept) if kept else ()),
        ],
        cwd=project,
        what="DVC did not clean its cache",
        remedy="dvc gc --workspace --all-branches --all-tags --all-experiments --dry",
        on_line=lambda line: log.info("%s", line),
        timeout=dvc.TRANSFER_SECONDS,
    )
