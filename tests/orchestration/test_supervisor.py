"""No process of a stage outlives the flow that started it."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganflow.orchestration import processes
from ganflow.orchestration.processes import CommandTimeoutError
from ganflow.orchestration.stage import reproduce
from tests.flows.conftest import PATIENCE, alive, hung_processes, set_seed

Fault = Callable[[str, str], None]


def test_a_stage_that_hangs_is_ended_with_its_children(project: Path, fault: Fault) -> None:
    model = (project / "data/model/file.txt").read_text()
    set_seed(project, 1)
    fault("train", "hang")
    with pytest.raises(CommandTimeoutError, match="10 seconds"):
        reproduce("train", project, timeout=10)
    assert not [pid for pid in hung_processes(project) if alive(pid)]
    assert (project / "data/model/file.txt").read_text() == model


ORPHAN = """
import subprocess, sys, time
child = "import subprocess as s, sys; print(s.Popen(sys.argv[1:]).pid, file=open('pid', 'w'))"
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
subprocess.run([sys.executable, "-c", child, *sleep], check=True)
time.sleep(SECONDS)
"""


@pytest.mark.parametrize("seconds", ["0", "600"])
def test_a_process_whose_parent_has_ended_ends_with_the_command(
    tmp_path: Path, seconds: str
) -> None:
    """Whether the command ends by itself or is ended: its orphans are in its process group."""
    command = [sys.executable, "-c", ORPHAN.replace("SECONDS", seconds)]
    with contextlib.suppress(CommandTimeoutError):
        processes.run(command, cwd=tmp_path, timeout=10)
    orphan = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(orphan)


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
