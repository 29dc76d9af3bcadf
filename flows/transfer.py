"""Moving data between the cache and the DVC remote."""

from collections.abc import Callable
from pathlib import Path

from flows import processes
from flows.stage import dvc
from flows.workspace import DVC_SECONDS


def pull(folder: Path, on_line: Callable[[str], None]) -> None:
    """Bring what dvc.lock names, and the run cache, from the remote; what was never pushed is
    left to the stages."""
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
