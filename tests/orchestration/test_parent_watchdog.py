"""A flow run ends when its worker is killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import ROOT, Server, free_port, hung_processes, running_server, stop
from tests.flows.test_server import (
    process_tree,
    start_hanging_run,
    wait_for_state,
    wait_until_gone,
)

RUN = """
import time
from ganflow.orchestration.parent_watchdog import end_with_worker
end_with_worker()
print("started", flush=True)
time.sleep(200)
"""

WORKER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(200)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of this file's own: the worker of the shared one could take the run."""
    home = tmp_path / "prefect"
    home.mkdir()
    with running_server(home, free_port()) as found:
        yield found


def test_a_run_gets_sigterm_when_its_worker_is_gone() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, RUN],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PREFECT__FLOW_RUN_ID": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert {worker.stdout.readline().strip() for _ in range(2)} >= {"started"}
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    killed = time.monotonic()
    worker.stdout.read()  # until the run has ended too
    assert time.monotonic() - killed < 100, "the run ended only by itself"


def test_a_killed_worker_leaves_no_training_behind(
    server: Server, deployed: Path, tmp_path: Path, cleanup: contextlib.ExitStack
) -> None:
    """The run's own process notices it, ends the training and reports."""
    model = (deployed / "data/model/file.txt").read_text()
    lone = server.start_worker(tmp_path / "worker.log")
    cleanup.callback(stop, lone)
    run = start_hanging_run(server, deployed)
    tree = process_tree(lone.pid)
    training = hung_processes(deployed)
    assert set(training) & set(tree), "the training descends from the worker"
    lone.kill()
    lone.wait()
    wait_until_gone(list({*tree, *training}))
    assert wait_for_state(server, run, {"Crashed", "Failed"})
    assert (deployed / "data/model/file.txt").read_text() == model
