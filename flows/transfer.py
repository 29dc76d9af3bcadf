"""Moving data between the cache and the DVC remote."""

from collections.abc import Callable
from pathlib import Path

from flows import processes
from flows.stage import dvc
from flows.workspace import DVC_SECONDS, remotes
from ganflow.errors import GanflowError


def pull(folder: Path, on_line: Callable[[str], None]) -> None:
    """Bring what dvc.lock names, and the run cache, from the remote; what was never pushed is
    left to the stages."""
    require_remote(folder)
    processes.checked(
        dvc("pull", "--run-cache", "--allow-missing", "--force"),
        cwd=folder,
        what="the DVC remote did not give what this revision needs",
        remedy="dvc pull --run-cache (with the worker's own account)",
        with_secrets=True,
        on_line=on_line,
        timeout=DVC_SECONDS,
    )


def push(folder: Path, on_line: Callable[[str], None]) -> None:
    """Send every output and the run cache; what an earlier, cut-off push sent is not sent again."""
    processes.checked(
        dvc("push", "--run-cache"),
        cwd=folder,
        what="the DVC remote did not take the results",
        remedy="dvc push --run-cache (with the worker's own account)",
        with_secrets=True,
        on_line=on_line,
        timeout=DVC_SECONDS,
    )


def require_remote(folder: Path) -> None:
    """Say early that a reviewer could not get the data.

    Raises:
        GanflowError: if no DVC remote is set.
    """
    if not remotes(folder):
        raise GanflowError(
            "no DVC remote is set: nobody else could get the retrained model",
            where=str(folder / ".dvc" / "config"),
            expected="a place for data that reviewers can reach, too",
            run="dvc remote add --default storage s3://BUCKET/PATH (or any folder)",
        )
