"""Trainings on a machine take turns, whatever started them."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.orchestration.turns import training_turn
from tests.flows.conftest import PATIENCE, ROOT, Server
from tests.flows.test_server import wait_for_state
from tests.system.conftest import started

RUN = """
import sys
from ganflow.orchestration.turns import training_turn
with training_turn(f"run {sys.argv[1]}", lambda line: print(line, flush=True)):
    print("trains", flush=True)
    sys.stdin.read()
"""


class Run:
    """A process that trains until its input is closed."""

    def __init__(self, number: int, folder: Path, machine: Path) -> None:
        folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(number)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(machine)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = self.line()

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        with self.process:
            self.process.kill()


def test_runs_of_several_clones_train_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        runs = []
        for number in range(4):
            runs.append(Run(number, tmp_path / f"clone{number}", tmp_path))
            stack.callback(runs[-1].end)
        first, *others = runs
        assert first.said == "trains"
        for other in others:
            assert "to end: run 0 in" in other.said
            assert f"{tmp_path}/clone0, process {first.process.pid}" in other.said
        time.sleep(0.5)  # the last one has said that it will wait, and now does
        for before, after in zip(runs, others, strict=False):
            before.process.kill()  # the lock of a run that is killed is free
            assert (after.line(), after.line()) == ("the training has ended", "trains")


def test_a_link_in_the_locks_place_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / f"ganflow-{os.getuid()}.lock").symlink_to("precious")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(GanflowError, match="cannot be opened"), training_turn("x", print):
        pass
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_deployments_run_waits_for_another_clone_and_can_be_cancelled(
    server: Server, worker: Path, deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(run: str, text: str) -> None:
        asked = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200}
        deadline = time.monotonic() + PATIENCE
        while not any(text in line["message"] for line in server.ask("/logs/filter", asked)):
            assert time.monotonic() < deadline, f"nothing said {text}"
            time.sleep(0.2)

    monkeypatch.setenv("TMPDIR", server.environment["TMPDIR"])
    with training_turn("retrain of somebody", print):
        run = started(server.prefect("deployment", "run", "pipeline/local", cwd=deployed))
        says(run, "waiting for a training on this machine to end: retrain of somebody in")
        server.prefect("flow-run", "cancel", run, cwd=deployed)
        wait_for_state(server, run, {"Cancelled"})
        run = started(server.prefect("deployment", "run", "pipeline/local", cwd=deployed))
        says(run, "waiting for a training")
    says(run, "the training has ended")
    wait_for_state(server, run, {"Unchanged"})
