"""Running commands that end when the run that started them ends."""

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.orchestration import supervisor
from ganflow.versions.commands import ENVIRONMENT, is_secret, without_credentials

GRACE_SECONDS = 10.0
TAIL_LINES = 40
NO_LIMIT = 1e9


class CommandError(GanflowError):
    """A command ended with an error."""


class CommandTimeoutError(GanflowError):
    """A command exceeded its time limit; it and its child processes have been ended."""


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit status and the last lines it wrote."""

    code: int
    tail: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.tail)


def environment(*, with_secrets: bool, project: Path | None = None) -> dict[str, str]:
    """The environment of a command: this interpreter first on PATH, telemetry off.

    With `project`, Python imports ganflow from the project's own `src`. The installed code may be
    of another revision, and DVC records the code in the workspace.

    `with_secrets` keeps tokens, passwords and Prefect's settings. Only git, DVC transfers and `gh`
    need them; stages never get them.
    """
    kept = {
        name: value for name, value in os.environ.items() if with_secrets or not is_secret(name)
    }
    folder = str(Path(sys.executable).parent)
    if project is not None and (project / "src").is_dir():
        source = str((project / "src").resolve())
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [source, kept.get("PYTHONPATH")]))
    return {
        **kept,
        **ENVIRONMENT,
        "PATH": os.pathsep.join([folder, kept.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    timeout: float | None = None,
) -> Finished:
    """Run `command` without a shell and pass each line of its output to `on_line`.

    However this function ends (the command ends, a timeout, an exception, a signal, or the end
    of this process), all processes that the command started are ended too.

    Raises:
        CommandTimeoutError: after `timeout` seconds.
    """
    supervised = [sys.executable, "-I", "-S", supervisor.__file__, str(GRACE_SECONDS), *command]
    deadline = time.monotonic() + (timeout or NO_LIMIT)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with subprocess.Popen(
        supervised,
        cwd=cwd,
        env=dict(env) if env is not None else environment(with_secrets=False, project=cwd),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        try:
            while (line := lines.get(timeout=max(deadline - time.monotonic(), 0.001))) is not None:
                tail.append(line)
                on_line(line)
            return Finished(process.wait(), tuple(tail))
        except queue.Empty:
            raise CommandTimeoutError(
                f"`{' '.join(command[-3:])}` was still running after {timeout:.0f} seconds "
                "and has been ended",
                where=str(cwd),
                expected="to finish within the time limit",
                run="it again with a longer limit, or read the last lines of its log",
            ) from None
        finally:
            _end(process)


def _read(process: "subprocess.Popen[str]", lines: "queue.SimpleQueue[str | None]") -> None:
    with contextlib.suppress(ValueError):
        for line in process.stdout or ():
            lines.put(without_credentials(line.rstrip("\n")))
    lines.put(None)


def _end(process: "subprocess.Popen[str]") -> None:
    """Close the supervisor's pipe, so that it ends the command, and wait for it."""
    if process.stdin:
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS + 5)


def checked(
    command: Sequence[str],
    *,
    cwd: Path,
    what: str,
    remedy: str,
    with_secrets: bool = False,
    on_line: Callable[[str], None] = lambda line: None,
    timeout: float | None = None,
) -> str:
    """Run a command, raise if it fails, and return the last lines of its output.

    Args:
        what: the error message if it fails.
        remedy: the command that the error message suggests.
        with_secrets: whether the command gets tokens and passwords (git, DVC transfers, `gh`).

    Raises:
        CommandError: with the command's last lines.
    """
    ended = run(
        command,
        cwd=cwd,
        env=environment(with_secrets=with_secrets, project=cwd),
        on_line=on_line,
        timeout=timeout,
    )
    if ended.code != 0:
        said = "\n".join(f"  | {line}" for line in ended.tail[-8:])
        raise CommandError(f"{what}:\n{said}", where=str(cwd), run=remedy)
    return ended.text
