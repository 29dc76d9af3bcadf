"""Who is let in, and what every answer carries."""

import asyncio
from typing import Annotated

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message

from ganflow.studio import guard
from ganflow.studio.guard import LOOPBACK, Guard


def test_long_bodies_foreign_hosts_and_foreign_pages_are_refused(client: TestClient) -> None:
    assert client.post("/api/samples", content=b"x" * 70_000).status_code == 413
    stream = (b"x" * 10_000 for _ in range(10))
    assert client.post("/api/samples", content=stream).status_code == 413
    for headers in ({"host": "studio.evil"}, {"origin": "http://evil"}, {"origin": "null"}):
        assert client.post("/api/samples", json={}, headers=headers).status_code == 403
    own = {"origin": "http://localhost:8765"}
    assert client.post("/api/samples", json={}, headers=own).status_code == 200
    for host in ("127.0.0.1:9", "[::1]:80", "LOCALHOST"):
        assert client.get("/api/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api", "/studio.js", "/studio.css", "/api/models", "/nothing", "/../secrets"]
)
def test_every_answer_forbids_what_lies_outside(client: TestClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def served(endpoint: object, **options: int) -> TestClient:
    app = FastAPI()
    app.post("/")(endpoint)
    return TestClient(Guard(app, LOOPBACK, **options), base_url="http://localhost:8765")


def test_a_body_that_does_not_arrive_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    sent: list[Message] = []

    async def never() -> Message:
        await asyncio.sleep(20)
        raise AssertionError("the time-out comes first")

    async def keep(message: Message) -> None:
        sent.append(message)

    async def endpoint(body: Annotated[dict[str, int], Body()]) -> None:
        raise AssertionError("there is no body")

    app = FastAPI()
    app.post("/")(endpoint)
    headers = [(b"host", b"localhost"), (b"content-length", b"10")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    asyncio.run(Guard(app, LOOPBACK)(scope, never, keep))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_more_requests_at_once_than_can_be_held_are_told_to_come_back() -> None:
    async def endpoint() -> None:
        """Nothing."""

    refused = served(endpoint, busiest=0).post("/")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert served(endpoint, busiest=1).post("/").status_code == 200
