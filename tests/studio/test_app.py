"""The application: its pages, its description, and errors that are one sentence each."""

import threading
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from ganflow.base.errors import DataError
from ganflow.report.sources import ImageGenerator
from tests.report.pipeline import SIDE, FakeGenerator, write_outputs
from tests.studio.client import SHAPE, client_of


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"count": NaN}', b'{"truncation": Infinity}', b"[" * 5000]
)
def test_what_is_no_request_is_refused_in_json(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/samples", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]


def test_pages_name_no_outside_address_and_hold_no_inline_script(client: TestClient) -> None:
    for path in ("/", "/api", "/live", "/studio.js", "/api.js", "/live.js", "/studio.css"):
        text = client.get(path).text
        assert "http://" not in text
        assert "https://" not in text
        assert "style=" not in text
        assert "onclick" not in text


def test_the_description_is_complete(client: TestClient) -> None:
    description = client.get("/api/openapi.json").json()
    assert set(description["paths"]) == {
        "/api/models",
        "/api/models/{name}",
        "/api/samples",
        "/api/views",
        "/api/planes",
        "/api/walks",
        "/api/neighbours",
    }
    model = client.get("/api/models/older").json()
    assert model["shape"] == [SIDE, SIDE, 1]
    assert model["classes"] == ["kind 0", "kind 1", "kind 2", "kind 3"]
    assert client.get("/api/models").json() == {"models": ["current", "older"]}
    assert client.get("/api/models/none").status_code == 404


def test_a_missing_model_is_a_page_and_appears_when_it_is_built(tmp_path: Path) -> None:
    def load(folder: Path) -> ImageGenerator:
        if not (folder / "card.json").is_file():
            raise DataError("a file is not there", where="data/<model>", run="dvc repro")
        return FakeGenerator(SHAPE)

    with client_of(tmp_path, load) as client:
        page = client.get("/")
        assert page.status_code == 503
        assert "dvc checkout" in page.text
        assert "data/&lt;model&gt;" in page.text
        answer = client.post("/api/samples", json={})
        assert answer.status_code == 503
        assert "dvc repro" in answer.json()["error"]
        write_outputs(tmp_path, SHAPE)
        assert client.get("/").status_code == 200
        assert client.post("/api/samples", json={}).status_code == 200


def test_overload_is_503_with_retry_after(root: Path) -> None:

    held, begun = threading.Event(), threading.Event()

    class Slow(FakeGenerator):
        def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
            if len(latents) < 1000:
                begun.set()
                held.wait(20)
            return super().images(latents, labels)

    with client_of(root, lambda _: Slow(SHAPE), backlog=4) as client:
        first = threading.Thread(target=client.post, args=("/api/samples",), kwargs={"json": {}})
        first.start()
        assert begun.wait(10)
        refused = client.post("/api/samples", json={})
        held.set()
        first.join(20)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert client.post("/api/samples", json={}).status_code == 200
