"""Models are read when they appear, again when they change, and never half."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ganflow.base.files import write_json
from ganflow.report.sources import ImageGenerator
from ganflow.studio.app import create_app
from tests.report.pipeline import FakeGenerator, write_outputs
from tests.studio.client import SHAPE, client_of


@pytest.mark.slow
def test_a_model_that_changes_is_read_again_and_one_that_vanishes_stays(tmp_path: Path) -> None:
    write_outputs(tmp_path, SHAPE)
    weights = tmp_path / "data/model/generator.safetensors"
    weights.write_bytes(b"one")
    loads = []

    def load(folder: Path) -> ImageGenerator:
        loads.append(weights.read_bytes())
        return FakeGenerator(SHAPE)

    with client_of(tmp_path, load) as client:
        before = len(loads)
        client.post("/api/samples", json={})
        assert len(loads) == before
        weights.write_bytes(b"another")
        assert client.post("/api/samples", json={}).status_code == 200
        assert loads[-1] == b"another"
        weights.unlink()
        assert client.post("/api/samples", json={}).status_code == 200


@pytest.mark.parametrize("fault", [KeyError("design"), ValueError("bad"), OSError("disk")])
def test_a_broken_model_says_what_is_wrong(root: Path, fault: Exception) -> None:
    def load(folder: Path) -> ImageGenerator:
        raise fault

    with client_of(root, load) as client:
        page = client.get("/")
        assert page.status_code == 503
        assert type(fault).__name__ in page.text


def test_a_compared_model_has_the_class_names_of_its_own_card(tmp_path: Path) -> None:
    """`--compare` shows the model of another revision, whose classes may have other names."""
    write_outputs(tmp_path, SHAPE)
    older = tmp_path / "older"
    names = ["ant", "bee", "cat", "dog"]
    write_json(older / "card.json", {"class_names": names})
    folders = {"current": tmp_path / "data/model", "v1": older}
    app = create_app(folders, lambda _: FakeGenerator(SHAPE), tmp_path / "data/prepared", tmp_path)
    with TestClient(app) as client:
        assert client.get("/api/models/v1").json()["classes"] == names
        current = client.get("/api/models/current").json()["classes"]
        assert current == ["kind 0", "kind 1", "kind 2", "kind 3"]


def test_classes_without_names_are_counted(tmp_path: Path) -> None:
    write_json(tmp_path / "card.json", {})
    app = create_app({"v1": tmp_path}, lambda _: FakeGenerator(SHAPE), None, tmp_path)
    with TestClient(app) as client:
        assert client.get("/api/models/v1").json()["classes"] == ["0", "1", "2", "3"]
