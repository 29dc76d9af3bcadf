"""Moving data between the cache and the DVC remote."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ganflow.orchestration import processes, run_cache
from ganflow.orchestration.workspace import DVC_SECONDS
from ganflow.versions import dvc


def pull(folder: Path, on_line: Callable[[str], None]) -> None:
    """Bring what dvc.lock names, and the run cache, from the remote; what was never pushed is
    left to the stages."""
    processes.checked(
        dvc.command("pull", "--run-cache", "--allow-missing", "--force"),
        cwd=folder,
        what="the DVC remote did not give what this revision needs",
        remedy="dvc pull --run-cache (with the worker's own account)",
        with_secrets=True,
        on_line=on_line,
        timeout=DVC_SECONDS,
    )


def fetch_known(folder: Path, stages: Iterable[str], on_line: Callable[[str], None]) -> None:
    """Bring the outputs of stages that were run elsewhere with the same inputs.

    A help and no need: what is not there, or cannot be had, is left to the stages.
    """
    ended = processes.run(
        [sys.executable, "-P", run_cache.__file__, *stages],
        cwd=folder,
        env=processes.environment(with_secrets=True, project=folder),
        on_line=on_line,
        timeout=DVC_SECONDS,
    )
    if ended.code != 0:
        on_line("what was run elsewhere could not be brought: the stages will run here")


def push(folder: Path, on_line: Callable[[str], None]) -> None:
    """Send every output and the run cache; what an earlier, cut-off push sent is not sent again."""
    processes.checked(
        dvc.command("push", "--run-cache"),
        cwd=folder,
        what="the DVC remote did not take the results",
        remedy="dvc push --run-cache (with the worker's own account)",
        with_secrets=True,
        on_line=on_line,
        timeout=DVC_SECONDS,
    )
