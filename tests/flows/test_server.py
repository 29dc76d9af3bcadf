"""Deployments on a real server with a real worker.

These tests also hold the locked versions of Prefect, FastAPI and SQLAlchemy: with others the server
did not start, refused a deployment, or never started a scheduled run.
"""

import contextlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.flows.conftest import (
    PATIENCE,
    Server,
    alive,
    free_port,
    hung_processes,
    running_server,
    stop,
)


def process_tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def start_hanging_run(server: Server, project: Path) -> str:
    """Start a run whose training never ends; the run's id, once its training is there."""
    (project / "params.yaml").write_text("seed: 7\ntrain: {images: 128000}\n")
    (project / "faults/train").write_text("hang")
    server.prefect("deployment", "run", "pipeline/local", cwd=project)
    hung_processes(project)
    running = {"state": {"type": {"any_": ["RUNNING"]}}}
    ours = {"name": {"any_": ["pipeline"]}}  # a schedule may have started another flow
    (run,) = server.ask("/flow_runs/filter", {"flow_runs": running, "flows": ours})
    return str(run["id"])


def wait_for_state(server: Server, run: str, names: set[str], seconds: float = PATIENCE) -> str:
    deadline = time.monotonic() + seconds
    name = ""
    while time.monotonic() < deadline:
        name = server.ask(f"/flow_runs/{run}")["state"]["name"]
        if name in names:
            return name
        time.sleep(0.2)
    raise AssertionError(f"the run is {name}")


def wait_until_gone(pids: list[int], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(alive, pids)):
        time.sleep(0.1)
    assert not [pid for pid in pids if alive(pid)]


def task_states(server: Server, run: str) -> dict[str, str]:
    """The tasks of a flow run, each with the name of its state."""
    tasks = server.ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
    return {task["name"]: task["state"]["name"] for task in tasks}


def test_a_deployed_pipeline_runs(server: Server, worker: Path, deployed: Path) -> None:
    (deployed / "params.yaml").write_text("seed: 1\ntrain: {images: 128000}\n")
    said = server.prefect("deployment", "run", "pipeline/local", "--watch", cwd=deployed)
    assert "Completed" in said
    assert (deployed / "data/model/file.txt").read_text().startswith("seed: 1")
    expected = {
        "prepare_data": "Unchanged",
        "train_extractor": "Unchanged",
        "train_gan": "Ran",
        "generate_samples": "Ran",
        "evaluate_samples": "Ran",
        "write_report": "Ran",
    }
    # Runs of other tests and of the schedules are on this server too.
    named = re.search(r"UUID: (\S+)", said)
    assert named, said
    # The server records the states of tasks a little later than the flow's.
    deadline = time.monotonic() + PATIENCE
    while (states := task_states(server, named[1])) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert states == expected
    artifacts = server.ask("/artifacts/filter", {})
    assert "| Fréchet distance | " in next(a["data"] for a in artifacts if a["key"] == "metrics")
    assert next(a["data"] for a in artifacts if a["key"] == "train-progress") == 100
    snapshots = next(a["data"] for a in artifacts if a["key"] == "train-snapshots")
    assert "| 128,000 | 2.5 |" in snapshots


def test_cancelling_ends_the_training_and_keeps_the_model(
    server: Server, worker: Path, deployed: Path
) -> None:
    model = (deployed / "data/model/file.txt").read_text()
    run = start_hanging_run(server, deployed)
    training = hung_processes(deployed)
    server.prefect("flow-run", "cancel", run, cwd=deployed)
    wait_until_gone(training)
    wait_for_state(server, run, {"Cancelled"})
    deadline = time.monotonic() + PATIENCE
    while not (deployed / "data/model/file.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (deployed / "data/model/file.txt").read_text() == model


def test_no_schedule_is_on_before_somebody_switches_it_on(server: Server, deployed: Path) -> None:
    """With the commands of docs/scheduled-retraining.md."""

    def schedules() -> list[dict[str, object]]:
        found = server.ask("/deployments/filter", {})
        return [schedule for deployment in found for schedule in deployment["schedules"]]

    assert len(schedules()) == 3
    assert not [schedule for schedule in schedules() if schedule["active"]]
    said = server.prefect("deployment", "schedule", "ls", "retrain/nightly", cwd=deployed)
    found = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", said)
    assert found, said
    resume = ("deployment", "schedule", "resume", "retrain/nightly", found[0])
    server.prefect(*resume, cwd=deployed)
    assert [each["id"] for each in schedules() if each["active"]] == [found[0]]
    server.prefect("--no-prompt", "deploy", "--name", "nightly", cwd=deployed)
    assert not [schedule for schedule in schedules() if schedule["active"]]


def test_new_data_starts_one_retraining_after_a_while(
    server: Server, deployed: Path, here: Callable[[Path], None]
) -> None:
    """Two events in a burst start one run, later; another project's event starts none."""
    from prefect.events import emit_event
    from prefect.events.worker import EventsWorker

    here(deployed)
    names = {d["name"] for d in server.ask("/deployments/filter", {})}
    assert names == {"local", "nightly", "on-new-data", "every-ten-minutes", "manual", "weekly"}
    for project in ("ganflow.v2", "ganflow", "ganflow"):
        emit_event(
            "ganflow.data.changed",
            resource={"prefect.resource.id": f"ganflow.data.{project}/mnist"},
            payload={"incoming": f"/data/{project}", "cause": "images: 3 new files of 2"},
        )
    EventsWorker.drain_all(timeout=10)
    asked = {"deployments": {"name": {"any_": ["on-new-data"]}}}
    deadline = time.monotonic() + PATIENCE
    while not (runs := server.ask("/flow_runs/filter", asked)):
        assert time.monotonic() < deadline, "the event has started nothing"
        time.sleep(0.5)
    time.sleep(2)
    (run,) = server.ask("/flow_runs/filter", asked)
    assert runs == [run] or len(runs) == 1
    cause = "images: 3 new files of 2"
    assert run["parameters"] == {"incoming": "/data/ganflow", "cause": cause}
    wait = datetime.fromisoformat(run["expected_start_time"]) - datetime.now(UTC)
    assert 400 < wait.total_seconds() <= 600


def test_a_schedule_starts_its_runs(server: Server, worker: Path, deployed: Path) -> None:
    """This checks the bound on sqlalchemy in pyproject.toml: with 2.1 nothing is scheduled."""
    server.prefect(
        *("deployment", "schedule", "create", "pipeline/local", "--interval", "5"), cwd=deployed
    )
    asked = {
        "flow_runs": {
            "tags": {"all_": ["auto-scheduled"]},
            "state": {"type": {"any_": ["COMPLETED"]}},
        },
        "deployments": {"name": {"any_": ["local"]}},
    }
    deadline = time.monotonic() + PATIENCE
    while not (runs := server.ask("/flow_runs/filter", asked)):
        assert time.monotonic() < deadline, "no run was started by the schedule"
        time.sleep(0.5)
    server.prefect(
        *("deployment", "schedule", "clear", "pipeline/local", "--accept-yes"), cwd=deployed
    )
    assert runs[0]["state"]["name"] == "Unchanged"


@pytest.mark.slow
def test_a_run_survives_a_restart_of_the_server(
    deployable: Path, tmp_path: Path, cleanup: contextlib.ExitStack
) -> None:
    """The lease of the concurrency slot is in a file, as docs/scheduled-retraining.md says."""
    (tmp_path / "prefect").mkdir()
    port = free_port()
    lease = "prefect.server.concurrency.lease_storage.filesystem"
    settings = {"PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": lease}
    with running_server(tmp_path / "prefect", port, **settings) as server:
        pool = ("work-pool", "create", "ganflow", "--type", "process")
        server.prefect(*pool, cwd=deployable)
        server.prefect("--no-prompt", "deploy", "--all", cwd=deployable)
        worker = server.start_worker(tmp_path / "worker.log")
        cleanup.callback(stop, worker)
        (deployable / "params.yaml").write_text("seed: 7\ntrain: {images: 128000}\n")
        (deployable / "faults/train").write_text("wait")
        server.prefect("deployment", "run", "pipeline/local", cwd=deployable)
        hung_processes(deployable)
    with running_server(tmp_path / "prefect", port, **settings) as server:
        (run,) = server.ask("/flow_runs/filter", {"flows": {"name": {"any_": ["pipeline"]}}})
        assert run["state"]["name"] == "Running"
        (deployable / "faults/train").unlink()
        wait_for_state(server, run["id"], {"Completed"})
