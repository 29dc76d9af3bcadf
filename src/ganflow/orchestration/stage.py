"""Running one stage of dvc.yaml through the `dvc` command.

DVC reports what it did only as text. This module is the only one that parses that text, and
tests/orchestration/test_stage.py tests it with the real DVC.
"""

import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from zc.lockfile import LockError, LockFile  # type: ignore[import-untyped]

from ganflow.base.errors import GanflowError
from ganflow.gan.checkpoint import forget_recorded
from ganflow.orchestration import processes
from ganflow.stages.lock import stages_in
from ganflow.versions import dvc

LOCK_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between attempts while another DVC command holds a lock: five minutes in all."""

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: the exit status of a stage that may succeed if it runs again."""

_FILES_IN_USE = "is busy, it is being blocked by"

_HINTS = (
    "To track the changes with git, run:",
    "git add ",
    "To enable auto staging, run:",
    "dvc config core.autostage true",
    "Use `dvc push`",
)


class Outcome(StrEnum):
    """What DVC did with a stage."""

    RAN = "Ran"
    RESTORED = "Restored"
    UNCHANGED = "Unchanged"


class StageError(GanflowError):
    """A stage failed; the message has the last lines of its output."""


class TransientStageError(StageError):
    """A stage failed with the exit status that means: it may succeed if it runs again."""


class LockedError(GanflowError):
    """Another DVC command has locked the project for too long."""


def reproduce(
    stage: str,
    project: Path,
    *,
    on_line: Callable[[str], None] = lambda line: None,
    timeout: float | None = None,
    lock_waits: tuple[float, ...] = LOCK_WAITS,
) -> Outcome:
    """Run `dvc repro --single-item` for `stage` and return what DVC did.

    DVC deletes the outputs of a stage before it runs it. After a failure, a timeout or a
    cancellation this function restores the outputs that were there before.

    Args:
        stage: its name in dvc.yaml.
        project: the folder of dvc.yaml.
        on_line: called with every line that DVC and the stage print.
        timeout: seconds after which the stage and its child processes are ended.
        lock_waits: seconds to wait before each new attempt while DVC's lock is held.

    Raises:
        StageError: the stage failed.
        TransientStageError: it failed with exit status 75.
        LockedError: the lock was held during all attempts.
        CommandTimeoutError: it exceeded `timeout`.
    """
    for wait in (*lock_waits, None):
        outcome = None if _is_locked(project) else _attempt(stage, project, on_line, timeout)
        if outcome:
            forget_recorded()  # later stages also do this, but only if they run
            return outcome
        if wait is not None:
            on_line(f"another DVC command is using this project: trying again in {wait:g} s")
            time.sleep(wait)
    raise LockedError(
        f"stage {stage} could not start: another DVC command has held this project's lock for "
        f"{sum(lock_waits):g} seconds",
        where=str(project / ".dvc" / "tmp"),
        expected="one DVC command at a time",
        run="wait for it, or find it with `ps` and end it, then start this again",
    )


def _attempt(
    stage: str, project: Path, on_line: Callable[[str], None], timeout: float | None
) -> Outcome | None:
    """One `dvc repro`; None if it could not start because its files are in use."""
    seen: list[Outcome] = []

    def read(line: str) -> None:
        if not seen and (outcome := outcome_of(line, stage)):
            seen.append(outcome)
        on_line(line)

    # DVC releases its lock while the stage runs, and must wait to get it back: otherwise a
    # `dvc push` in another terminal would make a finished training fail.
    command = dvc.command("--wait-for-lock", "repro", "--single-item", stage)
    with _restore_outputs_on_error(stage, project):
        ended = processes.run(command, cwd=project, on_line=read, timeout=timeout)
        if ended.code:
            if not seen and _FILES_IN_USE in ended.text:
                return None
            raise _failure(stage, ended)
        if not seen:
            raise StageError(
                f"DVC succeeded but did not report what it did with stage {stage}",
                expected="one of the messages that src/ganflow/orchestration/stage.py parses",
                run="pytest tests/orchestration/test_stage.py (has DVC's wording changed?)",
            )
        return seen[0]


def _is_locked(project: Path) -> bool:
    """Whether a DVC command holds the project's lock (a file lock, released with its process)."""
    try:
        LockFile(str(project / ".dvc" / "tmp" / "lock")).close()
    except (LockError, OSError) as error:  # the latter where no DVC command has run yet
        return isinstance(error, LockError)
    return False


def outcome_of(line: str, stage: str) -> Outcome | None:
    """The outcome for `stage` that a line of DVC's output reports, if any."""
    reports = {
        f"Stage '{stage}' didn't change, skipping": Outcome.UNCHANGED,
        f"Stage '{stage}' is cached - skipping run, checking out outputs": Outcome.RESTORED,
        f"Running stage '{stage}':": Outcome.RAN,
    }
    return reports.get(line)


def is_hint(line: str) -> bool:
    """Whether a line is empty or one of DVC's hints about the next command."""
    return not line.strip() or line.strip().startswith(_HINTS)


def _failure(stage: str, ended: processes.Finished) -> StageError:
    said = "\n".join(f"  | {line}" for line in ended.tail[-15:])
    transient = f"exited with {TRY_AGAIN}" in ended.text
    kind = TransientStageError if transient else StageError
    return kind(
        f"stage {stage} failed; its last lines:\n{said}",
        where=f"dvc.yaml, stage {stage}",
        expected="success; its previous outputs have been restored",
        run=f"fix the cause above, then dvc repro {stage}",
    )


@contextmanager
def _restore_outputs_on_error(stage: str, project: Path) -> Iterator[None]:
    """Restore the stage's outputs if the block raises anything."""
    uncached = uncached_outputs(stage, project)
    with tempfile.TemporaryFile() as kept:
        with tarfile.open(fileobj=kept, mode="w") as archive:
            for path in uncached:
                if (project / path).exists():
                    archive.add(project / path, path)
        try:
            yield
        except BaseException:
            processes.run(
                dvc.command("--wait-for-lock", "checkout", "--force", "--quiet", stage),
                cwd=project,
                timeout=600,
            )
            for path in uncached:
                shutil.rmtree(project / path, ignore_errors=True)
            kept.seek(0)
            with tarfile.open(fileobj=kept) as archive:
                # Python before 3.11.4, as in Debian 12, has no filters.
                archive.extraction_filter = getattr(tarfile, "data_filter", lambda one, _: one)
                archive.extractall(project)
            raise


def uncached_outputs(stage: str, project: Path) -> list[str]:
    """The paths of the outputs of `stage` that are in git and not in DVC's cache."""
    described = stages_in(project).get(stage, {})
    entries = [e for kind in ("outs", "metrics", "plots") for e in described.get(kind, [])]
    return [
        path
        for entry in entries
        if isinstance(entry, dict)
        for path, options in entry.items()
        if isinstance(options, dict) and options.get("cache") is False
    ]
