"""How git, DVC and the other command-line tools are started, all in the same way.

No command may ask for a password, send usage statistics, or run longer than its time limit.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganflow.base.errors import GanflowError

TIMED_OUT = 124
NOT_STARTED = 127
LAST_LINES = 8

ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

_SECRET_PARTS = ("TOKEN", "SECRET", "PASSW", "AUTH_", "CREDENTIAL", "WEBHOOK", "CONNECTION_")
_SECRET_NAMES = ("GANFLOW_REPOSITORY",)
_SECRET_ENDS = ("_KEY", "_SAS", "_URL", "ASKPASS")

_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """The text with the user and password removed from every address in it."""
    return _CREDENTIALS.sub(r"\1", text)


def is_secret(name: str) -> bool:
    """Whether an environment variable holds a token, a password or an address with one."""
    upper = name.upper()
    return (
        upper in _SECRET_NAMES
        or upper.startswith(("PREFECT_", "AWS_"))
        or upper.endswith(_SECRET_ENDS)
        or any(part in upper for part in _SECRET_PARTS)
    )


@dataclass(frozen=True)
class CommandResult:
    """What a command returned."""

    code: int
    """Its exit status; `TIMED_OUT` after a timeout, `NOT_STARTED` if it could not be started."""
    content: bytes
    """Its standard output."""
    errors: str
    """Its standard error, without credentials."""

    @property
    def text(self) -> str:
        """Its standard output as text, without credentials."""
        return without_credentials(self.content.decode("utf-8", "replace"))

    def said(self, start: str) -> str:
        """The last line of its standard error that begins with `start`, or else the last of all."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        begun = [line for line in lines if line.startswith(start)]
        return "".join((begun or lines)[-1:]).removeprefix(start)

    def error(self, what: str, *, cwd: Path, remedy: str) -> GanflowError:
        """An error that quotes the last lines of the command."""
        lines = [line for line in (self.errors or self.text).splitlines() if line.strip()]
        quoted = "\n".join(f"  | {line}" for line in lines[-LAST_LINES:])
        return GanflowError(f"{what}:\n{quoted}" if quoted else what, where=str(cwd), run=remedy)


def attempt(
    command: Sequence[str],
    *,
    cwd: Path,
    timeout: float,
    environment: Mapping[str, str] | None = None,
) -> CommandResult:
    """Run a command, never through a shell, and return what it printed. It raises no error.

    Args:
        timeout: seconds after which the command and its children are ended.
        environment: variables to set besides this process's own and `ENVIRONMENT`.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env={**os.environ, **ENVIRONMENT, "PATH": path, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # without a terminal, ssh cannot ask for a password either
        )
    except OSError as error:
        return CommandResult(NOT_STARTED, b"", str(error))
    try:
        content, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        return CommandResult(TIMED_OUT, b"", f"no answer in {timeout:g} s")
    except BaseException:
        _end(process)
        raise
    return CommandResult(
        process.returncode, content, without_credentials(errors.decode("utf-8", "replace"))
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command and its children."""
    with contextlib.suppress(OSError):  # they may have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
