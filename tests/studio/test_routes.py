"""The HTTP API makes the right images, and says what the model does not have."""

import io
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageSequence

from ganflow.base.files import read_array
from ganflow.report.variation import slerp
from ganflow.studio import routes
from ganflow.studio.app import create_app
from ganflow.studio.latents import draws
from tests.report.pipeline import SIDE, FakeGenerator, Shape, blobs, write_outputs
from tests.studio.client import SHAPE, client_of


def npy(content: bytes) -> np.ndarray:
    return np.load(io.BytesIO(content), allow_pickle=False)


def test_samples_are_the_generators_own_and_repeat(client: TestClient) -> None:
    request = {"count": 10, "seed": 3, "classes": [2, 0], "truncation": 0.5, "format": "npy"}
    answer = client.post("/api/samples", json=request)
    assert answer.status_code == 200
    expected = blobs(np.array([2, 0] * 5), 0.5 * draws(3, 10, 3), 1)
    assert (npy(answer.content) == expected).all()
    assert client.post("/api/samples", json=request).content == answer.content


def test_a_png_shows_what_the_array_holds(client: TestClient) -> None:
    request = {"count": 6, "columns": 3, "scale": 2}
    array = npy(client.post("/api/samples", json={**request, "format": "npy"}).content)
    with Image.open(io.BytesIO(client.post("/api/samples", json=request).content)) as image:
        shown = np.asarray(image)
        assert "ganflow model" in image.text["Source"]  # type: ignore[attr-defined]
    assert shown.shape == (2 * SIDE * 2, 3 * SIDE * 2)
    last = shown[SIDE * 2 :, 2 * SIDE * 2 :][::2, ::2]
    assert (last == array[5, ..., 0]).all()


def test_a_corner_is_the_sample_of_that_row(client: TestClient) -> None:
    samples = npy(
        client.post(
            "/api/samples", json={"count": 8, "seed": 5, "classes": [1], "format": "npy"}
        ).content
    )
    point = {"corners": [{"seed": 5, "row": row} for row in (7, 1, 2, 3)]}
    view = client.post("/api/views", json={"point": point, "classes": [1], "format": "npy"})
    assert (npy(view.content)[0] == samples[7]).all()
    moved = {**point, "across": 1.0, "down": 1.0}
    view = client.post("/api/views", json={"point": moved, "classes": [1], "format": "npy"})
    assert (npy(view.content)[0] == samples[3]).all()


def test_the_plane_holds_the_views_at_its_points(client: TestClient) -> None:
    answer = client.post("/api/planes", json={"label": 3, "size": 5, "format": "npy"})
    plane = npy(answer.content).reshape(5, 5, SIDE, SIDE, 1)
    for row, column in ((0, 0), (1, 3), (4, 4)):
        point = {"across": column / 4, "down": row / 4}
        view = client.post("/api/views", json={"point": point, "classes": [3], "format": "npy"})
        assert (npy(view.content)[0] == plane[row, column]).all()


def test_a_direction_changes_the_picture(client: TestClient) -> None:
    still, pushed = (
        client.post("/api/views", json={"point": {"directions": d}, "format": "npy"}).content
        for d in ([0, 0], [0, 3])
    )
    assert still != pushed


@pytest.mark.parametrize(("kind", "frames"), [("webp", 18), ("gif", 18)])
def test_a_walk_goes_there_and_back(client: TestClient, kind: str, frames: int) -> None:
    answer = client.post("/api/walks", json={"steps": 10, "classes": [1, 2], "format": kind})
    assert answer.headers["content-type"] == f"image/{kind}"
    latents = slerp(*draws(0, 4, 3)[[0, 3]], np.linspace(0, 1, 10))
    with Image.open(io.BytesIO(answer.content)) as moving:
        shown = [np.asarray(f.convert("L")) for f in ImageSequence.Iterator(moving)]
    assert len(shown) == frames
    for step, frame in enumerate(shown):
        latent = latents[[step if step < 10 else 18 - step]]
        both = blobs(np.array([1, 2]), latent.repeat(2, 0), 1)[..., 0]
        assert (frame == np.concatenate(both, axis=1)).all()


def test_neighbours_are_the_nearest_training_images(client: TestClient, root: Path) -> None:
    training = read_array(root / "data/prepared/train/images.npy").astype(float)
    view = client.post("/api/views", json={"classes": [2], "format": "npy"})
    gaps = np.sqrt(((training - npy(view.content)[0]) ** 2).mean((1, 2, 3)))
    found = client.post("/api/neighbours", json={"label": 2, "count": 3}).json()["neighbours"]
    assert [n["distance"] for n in found] == pytest.approx(np.sort(gaps)[:3], abs=1e-3)
    assert gaps[found[0]["index"]] == pytest.approx(gaps.min())
    assert found[0]["image"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("samples", {"classes": [4]}, "classes: 4 is not allowed: from 0 to 3"),
        ("samples", {"model": "../../etc"}, "no model called"),
        ("views", {"point": {"directions": [0] * 40}}, "40 are too many"),
    ],
)
def test_what_the_model_does_not_have_is_404_with_a_sentence(
    client: TestClient, path: str, body: object, words: str
) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == 404
    assert words in answer.json()["error"]


def test_pixels_are_bounded_by_a_smaller_scale_and_then_refused(
    root: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_PIXELS", 20 * SIDE**2 * 3**2)
    answer = client.post("/api/samples", json={"count": 20, "columns": 20, "scale": 8})
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (20 * SIDE * 3, SIDE * 3)
    answer = client.post("/api/samples", json={"count": 181})
    assert answer.status_code == 422
    assert "pixels are too many" in answer.json()["error"]


def test_without_classes_there_are_none_to_ask_for(tmp_path: Path) -> None:
    shape = Shape(classes=0, conditional=False)
    write_outputs(tmp_path, shape)
    (tmp_path / "data/model/generator.safetensors").write_bytes(b"weights")
    with client_of(tmp_path, shape=shape) as client:
        assert client.post("/api/samples", json={}).status_code == 200
        refused = client.post("/api/samples", json={"classes": [0]})
        assert refused.status_code == 404
        assert "leave them out" in refused.json()["error"]


def test_without_training_images_there_are_no_neighbours(root: Path) -> None:
    app = create_app(
        {"current": root / "data/model"}, lambda _: FakeGenerator(SHAPE), None, root / "live"
    )
    with TestClient(app) as client:
        assert client.get("/api/models/current").json()["neighbours"] is False
        assert client.post("/api/neighbours", json={}).status_code == 404
