"""Running a flow in this process, on a Prefect server that is started for this run only.

The user's own Prefect settings (API URL, key, profile, every PREFECT_* variable) are ignored, so
that a demonstration never reaches a cloud account.
"""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganflow.base import paths
from ganflow.base.errors import GanflowError
from ganflow.base.images import read_picture
from ganflow.base.paths import state_folder
from ganflow.versions.commands import ENVIRONMENT
from ganflow.versions.doctor import require_inputs


def isolate() -> None:
    """Replace this process's Prefect settings; call it before Prefect is imported."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    try:
        home = state_folder() / "prefect"
    except GanflowError as error:
        raise SystemExit(f"error: {error}") from None
    os.environ |= {
        **ENVIRONMENT,
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        # Registering the block types takes half of the time of a first start. The flows
        # use no blocks.
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_LOGGING_FORMATTERS_STANDARD_FLOW_RUN_FMT": "%(asctime)s  %(message)s",
        "PREFECT_LOGGING_FORMATTERS_STANDARD_TASK_RUN_FMT": (
            "%(asctime)s  %(task_run_name)s: %(message)s"
        ),
    }


def run_and_print(flow: Callable[..., Any]) -> int:
    """Run `flow` and print its results; return 0 if it completed, or else an exit status."""
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, temporary_settings

    try:
        require_inputs(Path())
        _drop_tracebacks()
        # A .env file or prefect.toml in this folder may also set a server.
        with temporary_settings(restore_defaults={PREFECT_API_URL, PREFECT_API_KEY}):
            state = flow(return_state=True)
            if not state.is_completed():
                state.result()
                raise GanflowError(f"the run ended as {state.name}: {state.message}")
    except GanflowError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the results of finished stages are kept", file=sys.stderr)
        return 130
    print_results(Path(), str(state.message or ""))
    return 0


def _drop_tracebacks() -> None:
    """Log a failure as one line; the whole error is printed at the end."""

    def in_one_line(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR or record.exc_info:
            message = record.getMessage().replace("\\n", "\n").partition("\n")[0]
            record.msg, record.args, record.exc_info = message, (), None
        return True

    for name in ("prefect.task_runs", "prefect.flow_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(in_one_line)


def print_results(project: Path, message: str) -> None:
    """Print the main metrics with their baselines, and the paths of the results."""
    from rich.console import Console
    from rich.table import Table

    from ganflow.orchestration.artifacts import GRID, PAGE, read_summary
    from ganflow.orchestration.terminal import blocks

    console = Console(highlight=False)
    console.print()
    if console.color_system == "truecolor" and not console.no_color and (project / GRID).exists():
        console.print(blocks(read_picture(project / GRID), min(console.width, 120)))
    if summary := read_summary(project):
        title = "Generated samples; the baseline is the value for real images"
        table = Table("metric", "value", "baseline", "95 % interval", title=title)
        for column in table.columns[1:]:
            column.justify = "right"
        for one in summary.findings:
            table.add_row(one.name, one.value, one.baseline, one.interval)
        console.print(table)
        console.print(summary.sentence, soft_wrap=False)
        console.print()
    for what, path in (
        ("report", PAGE),
        ("grid", GRID),
        ("the run", paths.REPORT / "growth.webp"),
        ("metrics", paths.EVALUATION / "metrics.json"),
    ):
        if (project / path).exists():
            console.print(f"{what:>8}  {path}")
    if message:
        console.print(f"{'stages':>8}  {message}", soft_wrap=True)
