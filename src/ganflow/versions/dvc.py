"""How DVC is called. The flows run the longer commands under their own supervisor."""

import sys
from pathlib import Path

from ganflow.extras import require
from ganflow.versions import commands
from ganflow.versions.commands import CommandResult

TRANSFER_SECONDS = 3600.0 * 6
"""The time limit of a command that moves data."""


def command(*arguments: str) -> list[str]:
    """The command line of DVC in this interpreter's environment.

    Raises:
        GanflowError: it is not installed there.
    """
    require("dvc")
    return [sys.executable, "-m", "dvc", *arguments]


def attempt(*arguments: str, cwd: Path, timeout: float = TRANSFER_SECONDS) -> CommandResult:
    """Run DVC, which may fail."""
    return commands.attempt(command(*arguments), cwd=cwd, timeout=timeout)
