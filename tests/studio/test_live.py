"""The page /live: a stream that a late viewer reads from the start, and that costs little."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ganflow.base.errors import DataError
from ganflow.live.run_folder import DONE, RunFolder
from ganflow.memory import peak_memory
from ganflow.report.sources import ImageGenerator
from ganflow.studio import guard, live
from ganflow.studio.guard import LOOPBACK, Guard
from ganflow.studio.live import live_router
from tests.studio.client import client_of


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server of the page's paths alone, whose folder is `tmp_path`."""
    app = FastAPI()
    app.include_router(live_router(tmp_path, lambda: server.should_exit))
    server = uvicorn.Server(uvicorn.Config(Guard(app, LOOPBACK), log_level="warning"))
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
        began = time.monotonic()
        server.should_exit = True
        thread.join(20)
        assert time.monotonic() - began < 3  # open streams do not hold it up


def messages(address: str) -> Iterator[dict[str, Any]]:
    with httpx.stream("GET", f"{address}/live/events", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def test_a_picture_comes_within_two_seconds_of_its_snapshot(tmp_path: Path, address: str) -> None:
    run = RunFolder(tmp_path, "train")
    run.add_row("history", {"images": 64, "loss": 0.5})
    told = messages(address)
    assert next(told)["about"]["state"] == "running"
    assert next(told)["rows"] == [[64.0, 0.5]]
    began = time.monotonic()
    run.add_picture(128, np.full((8, 8, 1), 7, np.uint8))
    message = next(message for message in told if "pictures" in message)
    path = f"{address}/live/{message['run']}/{message['pictures'][-1]}.png"
    picture = httpx.get(path)
    assert time.monotonic() - began < 2
    assert picture.content.startswith(b"\x89PNG")
    run.end(DONE)
    assert next(message for message in told if "about" in message)["about"]["state"] == "done"


@pytest.mark.parametrize("run", ["..", "%2e%2e", "nothing", "a%2Fb", "train"])
def test_pictures_come_from_runs_alone(tmp_path: Path, address: str, run: str) -> None:
    (tmp_path.parent / "pictures").mkdir(exist_ok=True)
    (tmp_path.parent / "pictures/000000000001.png").write_bytes(b"secret")
    assert httpx.get(f"{address}/live/{run}/1.png").status_code in (404, 422)


def test_a_viewer_that_never_reads_costs_no_memory(tmp_path: Path, address: str) -> None:
    """Ten of them, while far more is written than fits into what the system holds for them."""
    run = RunFolder(tmp_path, "train")
    names = [f"column_{index}" for index in range(100)]
    host, port = address.removeprefix("http://").split(":")
    viewers = [socket.create_connection((host, int(port))) for _ in range(10)]
    for viewer in viewers:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.sendall(b"GET /live/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    before = None
    for block in range(20_000):
        run.add_row("history", {"images": block, **dict.fromkeys(names, block / 3)})
        if block == 1000:
            time.sleep(2)
            before = peak_memory()
        if block % 2000 == 0:
            time.sleep(0.4)
    assert before is not None
    assert peak_memory() - before < 30 * 2**20
    assert next(messages(address))["run"] == run.folder.name
    for viewer in viewers:
        viewer.close()
    run.end(DONE)


def test_more_viewers_than_are_served_are_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(live, "MOST_VIEWERS", 1)
    first = messages(address)
    assert next(first) == {}
    refused = httpx.get(f"{address}/live/events")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "10"


def test_a_viewer_that_leaves_makes_room(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(live, "MOST_VIEWERS", 1)
    monkeypatch.setattr(live, "SECONDS", 0.05)
    for _ in range(3):
        with httpx.stream("GET", f"{address}/live/events", timeout=10) as answer:
            assert answer.status_code == 200
            assert next(answer.iter_lines()) == "data: {}"
        time.sleep(0.5)


def test_a_stream_outlives_the_time_for_a_body(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(live, "SECONDS", 0.05)
    told = messages(address)
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        assert next(told) == {}


def test_the_page_works_without_a_model(tmp_path: Path) -> None:
    def load(folder: Path) -> ImageGenerator:
        raise DataError("a file is not there", where=str(folder))

    with client_of(tmp_path, load) as client:
        assert client.get("/").status_code == 503
        assert "/live" in client.get("/").text
        page = client.get("/live")
        assert page.status_code == 200
        assert 'src="/live.js"' in page.text
        assert client.get("/live.js").headers["content-type"].startswith("text/javascript")


def test_the_stream_is_no_part_of_the_described_api(client: TestClient) -> None:
    assert not [path for path in client.get("/api/openapi.json").json()["paths"] if "live" in path]
