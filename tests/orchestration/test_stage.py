"""What DVC's words mean, held against the real DVC; and what a failure leaves behind."""

import json
import os
import subprocess
import sys
import threading
import time
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
from tests.flows.conftest import PATIENCE, alive, hung_processes

Fault = Callable[[str, str], None]


def set_seed(project: Path, seed: int) -> None:
    (project / "params.yaml").write_text(f"seed: {seed}\ntrain: {{images: 128000}}\n")


def test_outcomes_are_read_from_the_real_dvc(project: Path) -> None:
    lines: list[str] = []
    assert reproduce("train", project, on_line=lines.append) is Outcome.UNCHANGED
    set_seed(project, 1)
    assert reproduce("train", project, on_line=lines.append) is Outcome.RAN
    set_seed(project, 0)
    assert reproduce("train", project) is Outcome.RESTORED
    assert any("progress: train 3/3" in line for line in lines)


def test_a_stage_that_talks_like_dvc_is_not_believed() -> None:
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
    train = dvc("repro", "--single-item", "train")
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


def test_a_stage_that_hangs_is_ended_with_its_children(project: Path, fault: Fault) -> None:
    model = (project / "data/model/file.txt").read_text()
    set_seed(project, 1)
    fault("train", "hang")
    with pytest.raises(CommandTimeoutError, match="10 seconds"):
        reproduce("train", project, timeout=10)
    assert not [pid for pid in hung_processes(project) if alive(pid)]
    assert (project / "data/model/file.txt").read_text() == model


def test_nothing_outlives_a_killed_flow(project: Path, fault: Fault) -> None:
    set_seed(project, 1)
    fault("train", "hang")
    code = (
        "import sys; from pathlib import Path; from ganflow.orchestration.stage import reproduce;"
        "reproduce('train', Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    flow = subprocess.Popen(
        [sys.executable, "-c", code, str(project)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
    )
    pids = hung_processes(project)
    flow.kill()
    flow.wait()
    deadline = time.monotonic() + PATIENCE
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if alive(pid)]


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


def test_no_token_reaches_a_stage(
    project: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        *("GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "PREFECT_API_KEY", "MY_PASSWORD", "GANFLOW_WEBHOOK"),
        *("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "SSH_AUTH_SOCK", "DATABASE_URL"),
        "GANFLOW_REPOSITORY",
    ):
        monkeypatch.setenv(name, "tell-nobody")
    set_seed(project, 1)
    fault("train", "secrets")
    reproduce("train", project)
    seen = json.loads((project / "faults/seen").read_text())
    assert "tell-nobody" not in seen.values()
    assert seen["DVC_NO_ANALYTICS"] == "1"


def test_python_in_a_stage_is_this_one(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong interpreter first on PATH is passed over."""
    wrong = tmp_path / "bin"
    wrong.mkdir()
    (wrong / "python").write_text("#!/bin/sh\nexit 9\n")
    (wrong / "python").chmod(0o755)
    monkeypatch.setenv("PATH", str(wrong), prepend=":")
    set_seed(project, 1)
    assert reproduce("train", project) is Outcome.RAN


def test_two_at_once_keep_their_hands_off_each_other(project: Path) -> None:
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
