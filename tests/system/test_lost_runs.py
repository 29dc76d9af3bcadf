"""Runs that nobody would miss otherwise: late, pending for ever, without a process; and a restart.

All against a server on PostgreSQL whose leases are on disk, as prefect.toml has it.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.conftest import PATIENCE, Server, alive, hung_processes, stop
from tests.flows.test_server import (
    process_tree,
    wait_for_state,
    wait_until_gone,
)
from tests.orchestration.test_alerts import listening
from tests.system.conftest import Hub, started
from tests.system.installed import Installed

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

SET_UP = """
import sys
from pathlib import Path
from ganflow.orchestration import alerts
alerts.FILE = Path(sys.argv[1])
alerts.set_up(sys.argv[2])
"""

SOON = 15
"""Seconds in which the alerts of this test come; the shipped automations take longer."""


@pytest.fixture
def chat(hub: Hub, installed: Installed, tmp_path: Path) -> Iterator[list[str]]:
    """The alerts as `ganflow.orchestration.alerts` sets them up; what the chat hears."""
    shipped = installed.package / "orchestration/automations.yaml"
    described = yaml.safe_load(shipped.read_text())
    for automation in described["automations"]:
        if automation["trigger"]["within"]:
            automation["trigger"]["within"] = SOON
    sooner = tmp_path / "automations.yaml"
    sooner.write_text(yaml.safe_dump(described))
    server = hub.server
    with listening() as (address, heard):
        words = ("python", "-c", SET_UP, sooner, address)
        installed.run(*words, cwd=tmp_path, **server.environment)
        yield heard
        for found in server.ask("/automations/filter", {}):
            if found["name"].startswith("ganflow run"):
                server.prefect("automation", "delete", "--id", found["id"], cwd=tmp_path)


@pytest.fixture
def here(hub: Hub, quick: Path) -> Path:
    """The project of quick stages, deployed; its pool has its name."""
    server, pool = hub.server, quick.name
    server.prefect("work-pool", "create", pool, "--type", "process", cwd=quick, check=False)
    server.prefect("--no-prompt", "deploy", "--all", cwd=quick)
    return quick


def start_worker(server: Server, project: Path) -> "subprocess.Popen[bytes]":
    return server.start_worker(project.with_name("worker.log"), pool=project.name)


def start(server: Server, project: Path, *options: str) -> str:
    run = ("deployment", "run", f"pipeline/{project.name}-local", *options)
    return started(server.prefect(*run, cwd=project))


def heard_of(heard: list[str], automation: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for said in heard:
            if f"{automation}:" in said:
                return said
        time.sleep(0.2)
    raise AssertionError(heard)


def slot(server: Server, run: str) -> dict[str, Any]:
    """The state's details: with the lease of the run's slot, while it has one."""
    return dict(server.ask(f"/flow_runs/{run}")["state"]["state_details"])


def test_late_lost_and_abandoned_runs_are_told_and_closed(
    hub: Hub,
    here: Path,
    installed: Installed,
    chat: list[str],
    cleanup: contextlib.ExitStack,
) -> None:
    server = hub.server

    # A worker takes a run and dies before it has started anything.
    abandoned = start(server, here)
    pending = {"state": {"type": "PENDING", "name": "Pending"}}
    assert server.ask(f"/flow_runs/{abandoned}/set_state", pending)["status"] == "ACCEPT"
    assert slot(server, abandoned)["deployment_concurrency_lease_id"]

    # No worker comes for the next one.
    late = start(server, here)
    assert "Late" in heard_of(chat, "ganflow run late")

    # The abandoned run is closed, and so its slot is free: the late one gets it.
    wait_for_state(server, abandoned, {"Crashed"})
    assert heard_of(chat, "ganflow run pending for too long")
    assert "the worker that took it is gone" in heard_of(chat, "ganflow run failed")
    (here / "params.yaml").write_text("seed: 7\ntrain: {images: 128000}\n")
    (here / "faults/train").write_text("hang")
    worker = start_worker(server, here)
    cleanup.callback(stop, worker)
    training = hung_processes(here)
    assert server.ask(f"/flow_runs/{late}")["state"]["name"] == "Running"

    everything = {*process_tree(worker.pid), *training}
    assert not [pid for pid in everything if not installed.has(pid)]

    # The machine goes: worker, run and training at once, without a word.
    for pid in everything:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()
    wait_until_gone(list(everything))
    wait_for_state(server, late, {"Crashed"})
    assert heard_of(chat, "ganflow run without a heartbeat")
    message = server.ask(f"/flow_runs/{late}")["state"]["message"]
    assert "No heartbeat" in message


def test_a_dead_workers_pending_run_gives_its_slot_back_without_any_alert(
    hub: Hub, here: Path, cleanup: contextlib.ExitStack
) -> None:
    """By the lease alone: it is renewed by a run that has started, and by nobody else."""
    server = hub.server
    abandoned = start(server, here)
    pending = {"state": {"type": "PENDING", "name": "Pending"}}
    server.ask(f"/flow_runs/{abandoned}/set_state", pending)
    waiting = start(server, here)
    worker = start_worker(server, here)
    cleanup.callback(stop, worker)
    wait_for_state(server, waiting, {"AwaitingConcurrencySlot"})
    wait_for_state(server, waiting, {"Unchanged"})
    assert server.ask(f"/flow_runs/{abandoned}")["state"]["name"] == "Pending"
    server.ask(f"/flow_runs/{abandoned}/set_state", {"state": {"type": "CANCELLED"}})


def test_a_restarted_server_knows_the_leases_of_the_runs(
    hub: Hub, here: Path, cleanup: contextlib.ExitStack
) -> None:
    """A run renews its lease every few minutes, and is ended where the server has lost it."""
    worker = start_worker(hub.server, here)
    cleanup.callback(stop, worker)
    (here / "params.yaml").write_text("seed: 7\ntrain: {images: 128000}\n")
    (here / "faults/train").write_text("wait")
    run = start(hub.server, here)
    training = hung_processes(here)
    lease = slot(hub.server, run)["deployment_concurrency_lease_id"]
    hub.restart()
    hub.server.ask(f"/v2/concurrency_limits/leases/{lease}/renew", {"lease_duration": 300})
    assert all(map(alive, training))
    second = start(hub.server, here)
    wait_for_state(hub.server, second, {"AwaitingConcurrencySlot"})
    (here / "faults/train").unlink()
    wait_for_state(hub.server, run, {"Completed"})
    wait_for_state(hub.server, second, {"Unchanged"})
