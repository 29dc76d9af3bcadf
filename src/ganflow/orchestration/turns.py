"""One training at a time on a machine, whatever the deployment, the clone or the Prefect server."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ganflow.base.errors import GanflowError


@contextmanager
def training_turn(run: str, on_line: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run of this user trains on this machine, and keep others waiting.

    It is a file lock: the operating system releases it when the process ends. Linux hands it to
    those that wait in the order in which they came; who comes at that moment may be first.

    Args:
        run: this run, in the words that others are told while they wait.
        on_line: called with what this run waits for.

    Raises:
        GanflowError: the lock's file cannot be opened.
    """
    path = Path(os.environ.get("TMPDIR") or "/tmp", f"ganflow-{os.getuid()}.lock")
    try:
        # Others may write in that folder: a link in the file's place is not followed.
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise GanflowError(
            f"the lock of this machine's trainings cannot be opened: {error.strerror}",
            where=str(path),
            expected="a file of this user's own, or none",
            run=f"ls -l {path}",
        ) from None
    with os.fdopen(opened, "r+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_line(f"waiting for a training on this machine to end: {stream.read()}")
            fcntl.flock(stream, fcntl.LOCK_EX)
            on_line("the training has ended")
        stream.seek(0)
        stream.truncate()
        stream.write(f"{run} in {Path.cwd()}, process {os.getpid()}")
        stream.flush()
        yield
