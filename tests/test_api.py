"""ganflow in Python: it makes what the stages make, and refuses what is no set of images."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits

import ganflow
from ganflow.base.errors import DataError, ParameterError
from tests.gan.own_example import MODULE, write_module

ROOT = Path(__file__).parents[1]
FILES = ("card.json", "discriminator.safetensors", "generator.safetensors")
SMALL: dict[str, Any] = {
    "runtime": {"precision": "float32"},
    "extractor": {"features": 16, "epochs": 2},
    "model.latent": 8,
    "train": {"images": 640, "snapshots": 1},
    "train.ema_half_life": 64,
}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """uint8 (1797, 8, 8) and labels."""
    found = load_digits()
    return np.round(found.images * 255 / 16).astype(np.uint8), found.target


@pytest.fixture(scope="module")
def model() -> Any:
    return ganflow.fit(*digits(), params=SMALL)


def run(program: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_is_quick_and_imports_no_tensorflow(tmp_path: Path) -> None:
    """In seconds of processor time, which other work on the machine does not lengthen much."""
    program = """
import sys, time
began = time.process_time()
import ganflow
print(time.process_time() - began)
assert not {"tensorflow", "keras", "numpy", "pydantic"} & sys.modules.keys()
assert ganflow.show.__module__ == "ganflow.api"
assert not {"tensorflow", "keras"} & sys.modules.keys()
"""
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.3


OWN = {**SMALL, "model.architecture": f"{MODULE}:build", "train.objective": f"{MODULE}:loss"}

FIT = """
import numpy as np
import ganflow
model = ganflow.fit(np.load("images.npy"), np.load("labels.npy"), seed=4, params=PARAMS)
model.save("saved")
"""


@pytest.mark.slow
@pytest.mark.parametrize("small", [SMALL, OWN], ids=["built in", "own code"])
def test_fit_makes_the_bytes_of_the_stages(small: dict[str, Any], tmp_path: Path) -> None:
    write_module(tmp_path)
    images, labels = digits()
    raw = tmp_path / "data/raw/digits"
    for folder in (tmp_path, raw):
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "images.npy", images)
        np.save(folder / "labels.npy", labels)
    done = run(FIT.replace("PARAMS", repr(small)), tmp_path)
    assert done.returncode == 0, done.stderr
    from ganflow.api import _values

    params = {**_values(small, 4), "data": {"source": "digits"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    for stage in ("prepare", "extractor", "train"):
        done = run(f"from ganflow.cli import main; raise SystemExit(main(['{stage}']))", tmp_path)
        assert done.returncode == 0, done.stderr
    for name in FILES:
        ours, theirs = (tmp_path / place / name for place in ("saved", "data/model"))
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_a_model_samples_saves_and_loads(model: Any, tmp_path: Path) -> None:
    images = model.sample(12, seed=3)
    assert (images.shape, images.dtype) == ((12, 8, 8, 1), np.uint8)
    assert model.shape == (8, 8, 1)
    assert model.classes == tuple("0123456789")
    model.save(tmp_path / "model")
    model.save(tmp_path / "model")  # a model replaces a model
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == list(FILES)
    loaded = ganflow.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.sample(12, seed=3), images)
    assert (loaded.sample(12, seed=4) != images).any()
    assert (loaded.extractor, loaded.card) == (None, model.card)
    assert repr(loaded) == "<ganflow model: 8 × 8 × 1, 10 classes>"


def test_a_sample_has_the_classes_that_are_asked_for(model: Any) -> None:
    images, labels = model.labelled_sample(20)
    assert sorted(labels) == sorted("0123456789" * 2), "as often as in the data"
    sevens = model.sample(4, labels=[7, 7, 7, 7])
    np.testing.assert_array_equal(sevens, model.sample(4, labels=["7"] * 4))
    assert (sevens != model.sample(4, labels=[1] * 4)).any()
    calm = model.sample(20, truncation=0.1)
    assert calm.std(axis=0).mean() < images.std(axis=0).mean()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"count": 0}, "count: 0"),
        ({"count": 2.5}, "count: 2.5"),
        ({"count": 2, "seed": -1}, "seed: -1"),
        ({"count": 2, "truncation": 1.5}, "truncation: 1.5"),
        ({"count": 2, "labels": [3]}, r"labels of shape \(1,\) for 2 images"),
        ({"count": 2, "labels": [3, "cat"]}, "no class is 'cat'"),
    ],
)
def test_what_cannot_be_sampled(model: Any, arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        model.sample(**arguments)


def test_positions_are_labels_where_no_class_has_a_number_for_its_name() -> None:
    from ganflow.given import indices_of

    assert indices_of([1, 0], ("cat", "dog"), 2).tolist() == [1, 0]
    assert indices_of(["dog", "cat"], ("cat", "dog"), 2).tolist() == [1, 0]
    assert indices_of([7, 3], ("3", "7"), 2).tolist() == [1, 0]
    with pytest.raises(ParameterError, match="no class is '0'"):
        indices_of([0, 3], ("3", "7"), 2)
    with pytest.raises(ParameterError, match="there are no classes"):
        indices_of([0], (), 1)


def test_nothing_but_a_model_is_replaced(model: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("of mine")
    with pytest.raises(DataError, match="something else here already"):
        model.save(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "of mine"


def test_a_folder_that_holds_no_model_or_a_damaged_one(model: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no model here"):
        ganflow.load(tmp_path)
    model.save(tmp_path / "model")
    (tmp_path / "model/card.json").write_text('{"sha256": {"generator": "0"}}')
    with pytest.raises(DataError, match="not those that the card describes"):
        ganflow.load(tmp_path / "model")
    (tmp_path / "model/card.json").write_text("[]")
    with pytest.raises(DataError, match="the model cannot be read"):
        ganflow.load(tmp_path / "model")


IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "what"),
    [
        (np.full((60, 8, 8), np.nan), None, "holds NaN or infinity"),
        (IMAGES.astype(np.complex64), None, "images: complex64"),
        (["a", "b", "c"], None, "images: <U1"),
        ([[1, 2], [3]], None, "images: of several shapes"),
        (3, None, "images: int64"),
        (IMAGES[0, :, :, 0], None, r"no images have the shape \(8,\)"),
        (IMAGES[:1], None, r"images of shape \(1, 8, 8, 1\)"),
        (IMAGES[:0], None, r"images of shape \(0, 8, 8, 1\)"),
        (np.zeros((60, 8, 8, 7), np.uint8), None, r"no images have the shape \(8, 8, 7\)"),
        (np.zeros((60, 3, 3), np.uint8), None, "images of 3×3 pixels"),
        (np.zeros((60, 8, 8), np.uint8), None, "every pixel has the same value"),
        (IMAGES / 255 * 0.4 - 0.2, None, "their range may be -0.5 to 0.5, or -1 to 1"),
        (IMAGES, [1, 2, 3], r"labels of shape \(3,\) for 60 images"),
        (IMAGES, np.full(60, 0.5), "holds fractions"),
        (IMAGES, [None] * 60, "labels: of several shapes or types"),
        ("nowhere", None, "there is nothing here"),
    ],
)
def test_what_is_no_set_of_images(
    images: Any, labels: Any, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(DataError, match=what) as refused:
        ganflow.fit(images, labels)
    said = str(refused.value)
    assert refused.value.expected
    assert "ganflow-" not in said, "no temporary folder"
    assert "params.yaml" not in said
    assert "dvc" not in said
    assert not list(tmp_path.iterdir()), "nothing is left"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"params": {"train.batsh": 3}}, "batsh"),
        ({"params": {"train": {"batch": "many"}}}, "train.batch"),
        ({"params": {"train": 3, "train.batch": 2}}, "both a value and a section"),
        ({"params": {"seed": 3}, "seed": 4}, "params has the seed 3"),
        ({"seed": -1}, "seed"),
        ({"minutes": 0}, "minutes: 0"),
        ({"minutes": True}, "minutes: True"),
        ({"minutes": 1, "params": {"train.images": 640}}, "both say how long"),
        ({"callbacks": [print]}, "callbacks"),
        ({"callbacks": print}, "callbacks"),
    ],
)
def test_wrong_parameters_and_arguments_are_found_at_once(
    arguments: dict[str, Any], what: str
) -> None:
    with pytest.raises(ParameterError, match=what):
        ganflow.fit(IMAGES, **arguments)


def test_labels_of_a_path_are_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels beside the path"):
        ganflow.fit(tmp_path, [1, 2])


@pytest.mark.slow
def test_minutes_become_images_and_the_card_says_how(tmp_path: Path) -> None:
    import keras

    seen: list[float] = []

    class Watching(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(logs["fd"])
            self.model.stop_training = True

    for label, image in enumerate(digits()[0][:400]):
        (tmp_path / str(label % 2)).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / str(label % 2) / f"{label}.png")
    params = {"extractor": {"features": 8, "epochs": 1}, "train.snapshots": 40}
    short = {**params, "train.snapshots": 10_000}
    with pytest.raises(ParameterError, match=r"minutes: 0\.5 is too short"):
        ganflow.fit(tmp_path, minutes=0.5, params=short)
    found = ganflow.fit(tmp_path, minutes=4, params=params, callbacks=[Watching()])
    assert len(seen) == 1
    assert found.card["train"]["images"] % 64 == 0
    assert found.card["chosen"]["train.images"].startswith("minutes: 4, at ")
    assert found.card["chosen"]["train.images"].endswith(" seconds an image")


def test_a_measurement_is_a_table_with_intervals_baselines_and_doubts(model: Any) -> None:
    images, labels = digits()
    asked = np.arange(300) % 10
    found = ganflow.measure(
        model.sample(300, asked), images, labels=asked, real_labels=labels,
        extractor=model.extractor, params=SMALL,
    )  # fmt: skip
    lines = str(found).splitlines()
    assert lines[0].split() == ["samples", "95", "%", "interval", "real", "images"]
    distance = next(line for line in lines if line.startswith("Fréchet distance "))
    assert " to " in distance
    assert any(line.startswith("Label accuracy") for line in lines)
    assert any(line.startswith("doubt: There are 300 samples") for line in lines)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["metrics"]["fd"]["low"] < values["metrics"]["fd"]["value"]
    assert values["detail"]["fd"]["baseline"]["mean"] == values["metrics"]["fd"]["baseline"]
    weakest = values["detail"]["failures"]["weakest"]
    assert all(asked[one["sample"]] == one["requested"] for one in weakest)


def test_real_images_measured_against_themselves_are_good(model: Any) -> None:
    """In any order: the first samples may all be of one class."""
    images, labels = digits()
    order = np.argsort(labels, kind="stable")
    found = ganflow.measure(
        images[order], images, real_labels=labels, extractor=model.extractor, params=SMALL
    )
    assert found.metrics["fd"]["ratio"] < 1.3


def test_samples_in_a_folder_are_measured_by_an_extractor_of_their_own(
    model: Any, tmp_path: Path
) -> None:
    images, _ = digits()
    for index, image in enumerate(model.sample(40)):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{index}.png")
    found = ganflow.measure(tmp_path, images, params=SMALL)
    assert found.detail["fd"]["samples"] == 40
    assert "classes" not in found.metrics
    assert "left out: prdc: 40 images" in str(found)


@pytest.mark.parametrize(
    ("samples", "what"),
    [
        (np.zeros((30, 16, 16), np.uint8) + IMAGES[0, 0, 0, 0], "16 × 16 pixels.*8 × 8"),
        (np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8), "have colours"),
        (np.zeros((30, 8, 8), np.float32), "every pixel has the same value"),
        ("folder", "16 × 16 pixels.*8 × 8"),
    ],
)
def test_samples_that_are_not_like_the_real_ones(
    samples: Any, what: str, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for index in range(3):
        noise = np.random.default_rng(index).integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"folder/{index}.png")
    images, labels = digits()
    with pytest.raises(DataError, match=what) as refused:
        ganflow.measure(
            samples, images, real_labels=labels, extractor=model.extractor, params=SMALL
        )
    assert "params.yaml" not in str(refused.value)


def test_samples_of_another_size_are_resized_where_that_is_asked_for(model: Any) -> None:
    images, labels = digits()
    found = ganflow.measure(
        images.repeat(2, axis=1).repeat(2, axis=2), images, real_labels=labels,
        extractor=model.extractor, params=SMALL, resize=True,
    )  # fmt: skip
    assert found.metrics["fd"]["ratio"] < 3


def test_dark_samples_stay_dark(model: Any) -> None:
    """Bytes are what they are, and not stretched to the whole range as numbers may be."""
    images, labels = digits()
    real = {"real_labels": labels, "extractor": model.extractor, "params": SMALL}
    dark = ganflow.measure(images // 200, images, **real)
    assert dark.metrics["fd"]["ratio"] > 5
    numbers = ganflow.measure(images / 255, images, **real)
    assert numbers.metrics["fd"]["ratio"] < 1.3


def test_an_extractor_of_other_images_is_refused(model: Any) -> None:
    images, labels = digits()
    with pytest.raises(DataError, match="trained on other images"):
        ganflow.measure(
            images[:50], images[100:], real_labels=labels[100:], extractor=model.extractor
        )


def test_a_grid_is_a_picture() -> None:
    grid = ganflow.show(IMAGES[:10])
    assert isinstance(grid, Image.Image)
    assert grid.size == (4 * 66 + 2, 3 * 66 + 2)
    assert ganflow.show(IMAGES[:10, :, :, 0], columns=10).size == (10 * 66 + 2, 68)
    colours = np.zeros((28, 28, 3), np.uint8)
    assert (ganflow.show(colours).mode, ganflow.show(colours).size) == ("RGB", (60, 60))
    for images in (IMAGES / 255, IMAGES[:0], IMAGES[0, 0]):
        with pytest.raises(DataError, match="of shape"):
            ganflow.show(images)
    with pytest.raises(ParameterError, match="columns: 0"):
        ganflow.show(IMAGES, columns=0)


def test_a_training_starts_from_a_model(model: Any, tmp_path: Path, capsys: Any) -> None:
    model.save(tmp_path / "before")
    images, labels = digits()
    names = np.array(["seven" if label == 7 else str(label) for label in labels])
    after = ganflow.fit(images, names, params=SMALL, start=tmp_path / "before")
    assert after.card["start"]["new_classes"] == ["seven"]
    assert "a model that was trained on 640 images; new classes" in capsys.readouterr().out
    larger = images.repeat(2, axis=1).repeat(2, axis=2)
    with pytest.raises(DataError, match="8 × 8 × 1, and the training 16 × 16 × 1") as refused:
        ganflow.fit(larger, labels, params=SMALL, start=tmp_path / "before")
    assert refused.value.run == "fit without start, or with another model"


def test_what_the_process_has_set_already_is_said(
    model: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import keras

    from ganflow import api
    from ganflow.base.runtime import RuntimeParams

    monkeypatch.setattr(logging.getLogger("ganflow"), "propagate", True)
    monkeypatch.setenv("TF_XLA_FLAGS", "--x")
    before = keras.config.epsilon()
    keras.config.set_epsilon(1e-6)
    try:
        api._start(RuntimeParams(threads=255))
    finally:
        keras.config.set_epsilon(before)
    # More may be logged, and each of these twice, where another test has set up Prefect's logging.
    for expected in (
        "runtime.threads: 255",
        "Keras was set to epsilon 1e-06",
        "imported with TF_XLA_FLAGS",
    ):
        assert any(expected in message for message in caplog.messages), expected
    assert os.environ["TF_XLA_FLAGS"] == "--x", "nothing is changed that has been read"
