"""The HTTP API: right images, bounds with a sentence, and nothing that a client can break."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from ganflow.base.errors import DataError
from ganflow.base.files import read_array
from ganflow.report.sources import ImageGenerator
from ganflow.report.variation import slerp
from ganflow.studio import routes
from ganflow.studio.app import create_app
from ganflow.studio.guard import LOOPBACK, Guard
from ganflow.studio.latents import draws
from ganflow.studio.requests import MOST_IMAGES
from tests.report.pipeline import SIDE, FakeGenerator, Shape, blobs, write_outputs

SHAPE = Shape(classes=4)


def client_of(
    root: Path, load: object = None, shape: Shape = SHAPE, **options: object
) -> TestClient:
    app = create_app(
        {"current": root / "data/model", "older": root / "data/model"},
        load or (lambda folder: FakeGenerator(shape)),
        root / "data/prepared",
        **options,
    )
    return TestClient(
        Guard(app, LOOPBACK), base_url="http://localhost:8765", raise_server_exceptions=False
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_outputs(folder, SHAPE)
    (folder / "data/model/generator.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[TestClient]:
    with client_of(root) as client:
        yield client


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
        ("samples", {"count": MOST_IMAGES + 1}, "count: input should be less than"),
        ("samples", {"count": 0}, "count: input should be greater"),
        ("samples", {"classes": []}, "classes"),
        ("samples", {"seed": -1}, "seed"),
        ("samples", {"seed": 10**400}, "seed"),
        ("samples", {"format": "../../etc/passwd"}, "format"),
        ("samples", {"colour": 1}, "colour: extra inputs"),
        ("samples", [], "the body"),
        ("views", {"point": {"across": 1.5}}, "point.across"),
        ("views", {"point": {"corners": []}}, "point.corners"),
        ("walks", {"steps": 1}, "steps"),
        ("walks", {"steps": 100_000}, "steps"),
        ("walks", {"classes": [1] * 50}, "classes"),
        ("neighbours", {"count": 1000}, "count"),
    ],
)
def test_what_is_out_of_bounds_is_422_with_a_sentence(
    client: TestClient, path: str, body: object, words: str
) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


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


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"count": NaN}', b'{"truncation": Infinity}', b"[" * 5000]
)
def test_what_is_no_request_is_refused_in_json(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/samples", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
fields = st.sampled_from(
    ["count", "seed", "classes", "format", "columns", "scale", "point", "steps", "label", "size"]
)


@given(
    path=st.sampled_from(["samples", "views", "planes", "walks", "neighbours"]),
    body=st.dictionaries(fields, json_values, max_size=3),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_body_brings_it_down(client: TestClient, path: str, body: dict[str, object]) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post(f"/api/{path}", content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 400, 404, 422), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]


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


def test_pages_name_no_outside_address_and_hold_no_inline_script(client: TestClient) -> None:
    for path in ("/", "/api", "/studio.js", "/api.js", "/studio.css"):
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
    app = create_app({"current": root / "data/model"}, lambda _: FakeGenerator(SHAPE), None)
    with TestClient(app) as client:
        assert client.get("/api/models/current").json()["neighbours"] is False
        assert client.post("/api/neighbours", json={}).status_code == 404


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


def test_overload_is_503_with_retry_after(root: Path) -> None:
    import threading

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
