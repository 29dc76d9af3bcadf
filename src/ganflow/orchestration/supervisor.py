"""Runs a command, and ends it with all its child processes when the caller ends.

`dvc` does not forward signals: if only `dvc` is killed, its training continues. So every command is
run by a supervisor, `python supervisor.py GRACE COMMAND...`, whose standard input is a pipe from
the caller. When the caller closes the pipe or is killed, the supervisor sends SIGTERM to the
command's process group, and SIGKILL after GRACE seconds. When the command ends by itself, the
supervisor kills the processes that it left running.

This file imports only the standard library, because it starts before every command.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn


def main(arguments: list[str]) -> NoReturn:
    """Run the command and exit with its status (128 + n where signal n ended it)."""
    grace, *command = arguments
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
        time.sleep(0.02)
    _signal_group(child.pid, signal.SIGKILL)
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


if __name__ == "__main__":
    main(sys.argv[1:])
