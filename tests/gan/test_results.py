"""The files of a finished training."""

import csv
from pathlib import Path

import numpy as np

from ganflow.base.files import read_json
from ganflow.base.weights import read_weights
from ganflow.config.train import TrainParams
from ganflow.gan.defaults import Choice
from ganflow.gan.networks.build import weights_of
from ganflow.gan.networks.design import Design
from ganflow.gan.results import write_model, write_training
from ganflow.gan.saved import load_generator
from ganflow.gan.snapshots import Snapshot
from ganflow.gan.trainer import STEP_METRICS, Trainer
from ganflow.gan.training import History


def trained(classes: int) -> tuple[Trainer, History]:
    """An untrained trainer, and a history whose best snapshot has weights of its own."""
    design = Design("lean", (8, 8, 1), classes, 6)
    trainer = Trainer(design, TrainParams(images=80, batch=8), "float32", 3)
    weights = {name: 0.5 * v.numpy() + 0.1 for name, v in trainer.kept_weights().items()}
    picture = np.zeros((80, 8, 8, 1), np.uint8)
    history = History(rows=[[80, 1.0, 2.0, 0.5, -0.5, 1e-3, 0.1]])
    for images, fd in ((40, 1.5), (80, 3.0)):
        history.add(Snapshot(images, fd, picture, weights))
    return trainer, history


def test_the_model_is_that_of_the_best_snapshot(tmp_path: Path) -> None:
    trainer, history = trained(2)
    assert history.best is not None
    choices = {"mirror": Choice(False, "they have a left and a right")}
    write_model(tmp_path / "model", trainer, history, choices, ("left", "right"), [0.25, 0.75])
    generator = load_generator(tmp_path / "model")
    assert generator.card["snapshot"] == {"images": 40, "validation_fd": 1.5}
    assert generator.card["class_names"] == ["left", "right"]
    assert generator.card["class_shares"] == [0.25, 0.75]
    assert generator.card["chosen"] == {"train.mirror": "they have a left and a right"}
    assert "replicas" not in generator.card
    assert "diverged" not in generator.card
    saved = read_weights(
        tmp_path / "model/discriminator.safetensors", generator.card["sha256"]["discriminator"]
    )
    found = {f"discriminator/{name}": value for name, value in saved.items()}
    for name, variable in weights_of(generator.model).items():
        found[f"generator/{name}"] = variable.numpy()
    assert set(found) == set(history.best.weights)
    for name, expected in history.best.weights.items():
        np.testing.assert_array_equal(found[name], expected)


def test_an_unconditional_model_has_no_classes(tmp_path: Path) -> None:
    write_model(tmp_path / "model", *trained(0), {}, ("left", "right"), [])
    assert read_json(tmp_path / "model/card.json")["class_names"] == []


def test_a_card_says_that_its_training_diverged(tmp_path: Path) -> None:
    trainer, history = trained(0)
    history.diverged = "a loss is no longer a number, after 90 images"
    write_model(tmp_path / "model", trainer, history, {}, (), [])
    assert read_json(tmp_path / "model/card.json")["diverged"] == history.diverged


def test_curves_and_pictures_are_by_images_seen(tmp_path: Path) -> None:
    write_training(tmp_path / "training", trained(0)[1])
    with (tmp_path / "training/history.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert list(row) == ["images", *STEP_METRICS]
    assert (row["images"], float(row["fake_logit"])) == ("80", -0.5)
    quality = (tmp_path / "training/quality.csv").read_text().splitlines()
    assert quality == ["images,fd", "40,1.5", "80,3"]
    assert {p.name for p in (tmp_path / "training/progress").iterdir()} == {
        "00000040.png",
        "00000080.png",
    }
