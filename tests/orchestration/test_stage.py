"""Running a stage with the real DVC: its outcomes, its failures and its locks."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganflow.gan.checkpoint import Checkpoint, Checkpoints, forget_recorded
from ganflow.orchestration.processes import CommandTimeoutError
from ganflow.orchestration.stage import (
    LockedError,
    Outcome,
    StageError,
    TransientStageError,
    dvc,
    outcome_of,
    reproduce,
)
from tests.flows.conftest import hung_processes, set_seed

Fault = Callable[[str, str], None]


def test_outcomes_are_read_from_the_real_dvc(project: Path) -> None:
    lines: list[str] = []
    assert reproduce("train", project, on_line=lines.append) is Outcome.UNCHANGED
    set_seed(project, 1)
    assert reproduce("train", project, on_line=lines.append) is Outcome.RAN
    set_seed(project, 0)
    assert reproduce("train", project) is Outcome.RESTORED
    assert any("progress: train 3/3" in line for line in lines)


def test_a_stages_own_output_is_not_taken_for_dvcs() -> None:
    assert outcome_of("> echo Stage 'train' didn't change, skipping", "train") is None
    assert outcome_of("Stage 'trainer' didn't change, skipping", "train") is None


@pytest.mark.parametrize(
    ("words", "said"), [("fail", "something broke"), ("full", "No space left on device")]
)
def test_a_failure_restores_outputs_and_shows_the_last_lines(
    project: Path, fault: Fault, words: str, said: str
) -> None:
    model = (project / "data/model/file.txt").read_text()
    lock = (project / "dvc.lock").read_bytes()
    set_seed(project, 1)
    fault("train", words)
    with pytest.raises(StageError, match=said) as caught:
        reproduce("train", project)
    assert not isinstance(caught.value, TransientStageError)
    assert (project / "data/model/file.txt").read_text() == model
    assert (project / "dvc.lock").read_bytes() == lock


def test_a_checkpoint_stays_until_dvc_has_recorded_the_model(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC's cache cannot be written to when the stage has ended, and can at the next attempt."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("DVC_STAGE", "train")
    checkpoints = Checkpoints("key")
    checkpoints.save(Checkpoint({"weights": np.ones(3, np.float32)}, {}))
    set_seed(project, 1)
    train = dvc.command("repro", "--single-item", "train")
    cache, away = project / ".dvc/cache/files/md5", project / "away"
    cache.rename(away)
    cache.write_text("no folder")
    assert subprocess.run(train, capture_output=True, check=False).returncode
    checkpoints.finish(Path("data/model"))
    forget_recorded()
    assert checkpoints.load() is not None

    cache.unlink()
    away.rename(cache)
    subprocess.run(train, check=True, capture_output=True)
    reproduce("sample", project)
    assert checkpoints.load() is None


def test_outputs_in_git_are_restored_too_even_uncommitted_ones(project: Path, fault: Fault) -> None:
    metrics = project / "data/evaluation/metrics.json"
    metrics.write_text('{"fd": {"value": 7}}')
    (project / "data/samples/file.txt").write_text("other samples")
    fault("evaluate", "fail")
    with pytest.raises(StageError):
        reproduce("evaluate", project)
    assert json.loads(metrics.read_text()) == {"fd": {"value": 7}}


def test_exit_status_75_asks_for_another_attempt(project: Path, fault: Fault) -> None:
    set_seed(project, 1)
    fault("train", "fail 75")
    with pytest.raises(TransientStageError):
        reproduce("train", project)


def hold_lock(project: Path) -> "subprocess.Popen[str]":
    """Another process in the middle of a DVC command."""
    code = (
        "import sys, time; from dvc.repo import Repo; repo = Repo('.');\n"
        "with repo.lock: print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_lock_that_is_given_up_in_time_only_delays(project: Path) -> None:
    lines: list[str] = []
    holder = hold_lock(project)
    threading.Timer(1.0, holder.communicate).start()
    assert reproduce("train", project, on_line=lines.append, lock_waits=(0.5,) * 30)
    assert any("trying again" in line for line in lines)
    holder.wait()


def test_a_lock_that_is_never_given_up_is_an_error(project: Path) -> None:
    holder = hold_lock(project)
    try:
        with pytest.raises(LockedError, match="another DVC command"):
            reproduce("train", project, lock_waits=(0.1, 0.1))
    finally:
        holder.communicate()


def expect_timeout(project: Path, seconds: float) -> None:
    with pytest.raises(CommandTimeoutError):
        reproduce("train", project, timeout=seconds)


def test_files_in_use_by_another_repro_are_waited_for(project: Path, fault: Fault) -> None:
    """DVC gives up its lock while a stage runs, but not the files of the stage."""
    set_seed(project, 1)
    fault("train", "hang")
    first = threading.Thread(target=expect_timeout, args=(project, 6))
    first.start()
    hung_processes(project)
    (project / "faults" / "train").unlink()
    lines: list[str] = []
    assert reproduce("train", project, on_line=lines.append, lock_waits=(1.0,) * 30) is Outcome.RAN
    first.join()
    assert any("trying again" in line for line in lines)


def test_two_runs_at_once_do_not_disturb_each_other(project: Path) -> None:
    set_seed(project, 1)
    found: list[Outcome] = []
    runs = [
        threading.Thread(
            target=lambda: found.append(reproduce("train", project, lock_waits=(0.5,) * 60))
        )
        for _ in range(2)
    ]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert sorted(found) == [Outcome.RAN, Outcome.UNCHANGED]
