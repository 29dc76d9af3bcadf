"""Running one stage of dvc.yaml through the `dvc` command.

DVC says only in words what it did, so its words are read here and nowhere else, and
tests/orchestration/test_stage.py holds them against the real DVC.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import yaml
from zc.lockfile import LockError, LockFile  # type: ignore[import-untyped]

from ganflow.base.errors import GanflowError
from ganflow.gan.checkpoint import forget_recorded
from ganflow.orchestration import processes
from ganflow.versions import dvc

LOCK_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between attempts while another DVC command holds a lock: five minutes in all."""

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: a stage that exits with it asks to be run once more."""

_BUSY = "is busy, it is being blocked by"

_ADVICE = (
    "To track the changes with git, run:",
    "git add ",
    "To enable auto staging, run:",
    "dvc config core.autostage true",
    "Use `dvc push`",
)


class Outcome(StrEnum):
    """What DVC did about a stage."""

    RAN = "Ran"
    RESTORED = "Restored"
    UNCHANGED = "Unchanged"


class StageError(GanflowError):
    """A stage that failed, with its last lines."""


class TransientStageError(StageError):
    """A stage that failed and said that it may well succeed if it is run again."""


class LockedError(GanflowError):
    """Another DVC command has kept the project to itself for too long."""


def reproduce(
    stage: str,
    project: Path,
    *,
    on_line: Callable[[str], None] = lambda line: None,
    timeout: float | None = None,
    lock_waits: tuple[float, ...] = LOCK_WAITS,
) -> Outcome:
    """Bring `stage` up to date, as `dvc repro --single-item` does, and say what that took.

    After a failure, a timeout or a cancellation the stage's outputs are again what dvc.lock
    and the working tree had: DVC deletes them before it runs a stage.

    Args:
        stage: a name in the project's dvc.yaml.
        project: the folder of that dvc.yaml.
        on_line: receives every line that DVC and the stage write.
        timeout: seconds after which the stage and all its processes are ended.
        lock_waits: seconds to wait, attempt by attempt, while another DVC command has a lock.

    Raises:
        StageError: the stage failed.
        TransientStageError: it failed with exit status 75.
        LockedError: the locks were held throughout.
        CommandTimeoutError: it took too long.
    """
    for wait in (*lock_waits, None):
        outcome = None if _is_locked(project) else _attempt(stage, project, on_line, timeout)
        if outcome:
            forget_recorded()  # later stages do so when they run, but they may be up to date
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
    """One `dvc repro`; None where it could not start because its files are in use."""
    seen: list[Outcome] = []

    def read(line: str) -> None:
        if not seen and (outcome := outcome_of(line, stage)):
            seen.append(outcome)
        on_line(line)

    # DVC gives its lock up while the stage runs. It has to wait for as long as it takes to
    # get it back, or else a `dvc push` in another terminal would cost a finished training.
    command = dvc.command("--wait-for-lock", "repro", "--single-item", stage)
    with _outputs_kept(stage, project):
        ended = processes.run(command, cwd=project, on_line=read, timeout=timeout)
        if ended.code == 0:
            return _recognized(stage, seen)
        if not seen and _BUSY in ended.text:
            return None
        raise _failure(stage, ended)


def _is_locked(project: Path) -> bool:
    """Whether a DVC command holds the project's lock (a file lock: it ends with its holder)."""
    try:
        LockFile(str(project / ".dvc" / "tmp" / "lock")).close()
    except LockError:
        return True
    except OSError:
        return False
    return False


def outcome_of(line: str, stage: str) -> Outcome | None:
    """What a line of DVC's says was done about `stage`, if it says so."""
    if line == f"Stage '{stage}' didn't change, skipping":
        return Outcome.UNCHANGED
    if line == f"Stage '{stage}' is cached - skipping run, checking out outputs":
        return Outcome.RESTORED
    if line == f"Running stage '{stage}':":
        return Outcome.RAN
    return None


def is_advice(line: str) -> bool:
    """Whether DVC only suggests what its user might type next."""
    return not line.strip() or line.strip().startswith(_ADVICE)


def _recognized(stage: str, seen: list[Outcome]) -> Outcome:
    if seen:
        return seen[0]
    raise StageError(
        f"DVC ended well but did not say what it did about stage {stage}",
        expected="one of the sentences that src/ganflow/orchestration/stage.py knows",
        run="pytest tests/orchestration/test_stage.py (has DVC's wording changed?)",
    )


def _failure(stage: str, ended: processes.Finished) -> StageError:
    said = "\n".join(f"  | {line}" for line in ended.tail[-15:])
    transient = f"exited with {TRY_AGAIN}" in ended.text
    kind = TransientStageError if transient else StageError
    return kind(
        f"stage {stage} failed; its last lines:\n{said}",
        where=f"dvc.yaml, stage {stage}",
        expected="its outputs, which are again the last good ones",
        run=f"mend the cause above, then dvc repro {stage}",
    )


@contextmanager
def _outputs_kept(stage: str, project: Path) -> Iterator[None]:
    """Put the stage's outputs back if the block raises, whatever it raises."""
    kept = project / ".dvc" / "tmp" / "ganflow" / stage
    uncached = uncached_outputs(stage, project)
    shutil.rmtree(kept, ignore_errors=True)
    for number, path in enumerate(uncached):
        _copy(path, kept / str(number))
    try:
        yield
    except BaseException:
        processes.run(
            dvc.command("--wait-for-lock", "checkout", "--force", "--quiet", stage),
            cwd=project,
            timeout=600,
        )
        for number, path in enumerate(uncached):
            if (copy := kept / str(number)).exists():
                _remove(path)
                _copy(copy, path)
        raise
    finally:
        shutil.rmtree(kept, ignore_errors=True)


def uncached_outputs(stage: str, project: Path) -> list[Path]:
    """The outputs of `stage` that are in git rather than in DVC's cache."""
    described = yaml.safe_load((project / "dvc.yaml").read_text())["stages"].get(stage, {})
    entries = [e for kind in ("outs", "metrics", "plots") for e in described.get(kind, [])]
    return [
        project / path
        for entry in entries
        if isinstance(entry, dict)
        for path, options in entry.items()
        if isinstance(options, dict) and options.get("cache") is False
    ]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
