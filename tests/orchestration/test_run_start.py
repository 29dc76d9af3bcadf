"""The log of a run ends in a sentence, as an operator reads it in Prefect's page."""

import json
import logging
import sys
import time
from pathlib import Path

import pytest
from prefect.exceptions import FailedRun

from ganflow.base.errors import GanflowError
from ganflow.orchestration.run_start import _without_traceback
from tests.flows.conftest import PATIENCE, Server
from tests.flows.test_server import wait_for_state
from tests.system.conftest import started


def record_of(error: Exception, message: str = "Encountered %r") -> logging.LogRecord:
    try:
        raise error
    except Exception:
        return logging.LogRecord("x", logging.ERROR, "", 0, message, (error,), sys.exc_info())


def test_an_error_that_explains_itself_needs_no_traceback() -> None:
    record = record_of(GanflowError("wrong", where="here"))
    assert _without_traceback(record)
    assert record.exc_info is None
    assert "wrong\n" in record.getMessage()


def test_a_defect_keeps_its_traceback() -> None:
    record = record_of(ZeroDivisionError("x"), "exited with unexpected exception %r")
    assert _without_traceback(record)
    assert record.exc_info


def test_a_failure_that_was_returned_is_not_told_twice() -> None:
    assert not _without_traceback(record_of(FailedRun("x"), "exited with unexpected exception %r"))


def logs_of(server: Server, run: str, last: str) -> list[str]:
    """The messages of a run that has ended; its last one reaches the server after its state."""
    asked = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200, "sort": "TIMESTAMP_ASC"}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        said = [line["message"] for line in server.ask("/logs/filter", asked)]
        # Its tasks may end in a state of the same name.
        if any(message.startswith(last) and "stage " not in message for message in said):
            return said
        time.sleep(0.5)
    raise AssertionError(said)


@pytest.mark.parametrize(
    ("overrides", "state", "type_", "end"),
    [
        ({"train.images": 64000}, "Rejected", "FAILED", "The gate fails: fd.value cannot tell"),
        ({"seed": 3}, "Unchanged", "COMPLETED", "only the seed differs from the base"),
        ({"train.imges": 1}, "Failed", "FAILED", "Did you mean images"),
    ],
    ids=["rejected", "unchanged", "failed"],
)
def test_the_log_of_a_run_ends_in_a_sentence(
    server: Server,
    worker: Path,
    shared: Path,
    overrides: dict[str, int],
    state: str,
    type_: str,
    end: str,
) -> None:
    server.prefect("work-pool", "create", "ganflow", "--type", "process", cwd=shared, check=False)
    server.prefect("--no-prompt", "deploy", "--name", "nightly", cwd=shared)
    words = ("deployment", "run", "retrain/nightly", "-p", f"overrides={json.dumps(overrides)}")
    run = started(server.prefect(*words, cwd=shared))
    wait_for_state(server, run, {state})
    assert server.ask(f"/flow_runs/{run}")["state"]["type"] == type_
    last = f"Finished in state {state}"
    said = logs_of(server, run, last)
    assert "Traceback" not in "\n".join(said)
    assert end in [line for line in said if line.startswith(last)][-1]
    # Automations look at the name of the state in an event.
    asked = {
        "event": {"name": [f"prefect.flow-run.{state}"]},
        "resource": {"id": [f"prefect.flow-run.{run}"]},
    }
    deadline = time.monotonic() + PATIENCE
    while not server.ask("/events/filter", {"filter": asked})["events"]:
        assert time.monotonic() < deadline, "there is no event for the alerts"
        time.sleep(0.5)
