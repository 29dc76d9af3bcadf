"""Runs a command, and ends it with all its child processes when the caller ends.

`dvc` does not forward signals: if only `dvc` is killed, its training continues. So every command is
run by a supervisor, `python supervisor.py GRACE COMMAND...`, whose standard input is a pipe from
the caller. When the caller closes the pipe or is killed, the supervisor sends SIGTERM to the
command's process group, and SIGKILL after GRACE seconds. When the command ends by itself, the
supervisor kills the processes that it left running.

This file imports only the standard library, because it starts before every command.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PR_SET_CHILD_SUBREAPER = 36


def main(arguments: list[str]) -> NoReturn:
    """Run the command and exit with its status (128 + n where signal n ended it)."""
    grace, *command = arguments
    _adopt_orphans()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    ending = threading.Event()

    def end(*_: object) -> None:
        ending.set()
        _signal_group(child.pid, signal.SIGTERM)
        threading.Timer(float(grace), _signal_group, (child.pid, signal.SIGKILL)).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    threading.Thread(target=_wait_for_caller, args=(end,), daemon=True).start()

    code = child.wait()
    deadline = time.monotonic() + (float(grace) if ending.is_set() else 0.0)
    while time.monotonic() < deadline and _signal_group(child.pid, 0):
        _reap()
        time.sleep(0.02)
    _signal_group(child.pid, signal.SIGKILL)
    _end_adopted()
    sys.stdout.flush()
    os._exit(code if code >= 0 else 128 - code)


def _wait_for_caller(end: Callable[[], None]) -> None:
    while os.read(0, 1024):
        pass
    end()


def _signal_group(group: int, number: int) -> bool:
    """Send a signal; return whether the process group still exists."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _reap() -> None:
    """Wait for ended child processes, which otherwise still count as members of their group."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _adopt_orphans() -> None:
    """On Linux, become the parent of the command's orphans, even if they left its group."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_adopted() -> None:
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(OSError):
        while children := listing.read_text().split():
            for pid in map(int, children):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
