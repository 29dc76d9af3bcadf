"""Moving data between the cache and the DVC remote."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ganflow.orchestration import processes, run_cache
from ganflow.versions import dvc


def pull(folder: Path, on_line: Callable[[str], None]) -> None:
    """Pull the outputs in dvc.lock and the run cache from the remote.

    Outputs that were never pushed are skipped: their stages run again.
    """
    processes.checked(
        dvc.command("pull", "--run-cache", "--allow-missing", "--force"),
        cwd=folder,
        what="the DVC remote did not give what this revision needs",
        remedy="dvc pull --run-cache (with the worker's own account)",
        with_secrets=True,
        on_line=on_line,
        timeout=dvc.TRANSFER_SECONDS,
    )


def fetch_cached_outputs(
    folder: Path, stages: Iterable[str], on_line: Callable[[str], None]
) -> None:
    """Fetch the outputs of stages that another worker has run with the same inputs.

    This only saves time: if an output cannot be fetched, its stage runs again.
    """
    ended = processes.run(
        [sys.executable, "-P", run_cache.__file__, *stages],
        cwd=folder,
        env=processes.environment(with_secrets=True, project=folder),
        on_line=on_line,
        timeout=dvc.TRANSFER_SECONDS,
    )
    if ended.code != 0:
        on_line("the run cache could not be fetched: the stages will run here")


def push(folder: Path, on_line: Callable[[str], None]) -> None:
    """Push all outputs and the run cache; files that an interrupted push has sent are skipped."""
    processes.checked(
        dvc.command("push", "--run-cache"),
        cwd=folder,
        what="the DVC remote did not take the results",
        remedy="dvc push --run-cache (with the worker's own account)",
        with_secrets=True,
        on_line=on_line,
        timeout=dvc.TRANSFER_SECONDS,
    )
