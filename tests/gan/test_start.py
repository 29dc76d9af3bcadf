"""Trainings that begin with the networks of a trained model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.files import read_json, sha256_of, write_json
from ganflow.config.train import TrainParams
from ganflow.gan.networks.build import weights_of
from ganflow.gan.networks.design import Design
from ganflow.gan.results import write_model
from ganflow.gan.snapshots import Snapshot
from ganflow.gan.start import read_start
from ganflow.gan.trainer import Trainer
from ganflow.gan.training import History

DESIGN = Design("lean", (8, 8, 1), 2, 6)
NAMES = ("cat", "dog")


def saved(folder: Path, design: Design = DESIGN) -> Trainer:
    """A model whose averaged generator is not that of the last step."""
    trainer = Trainer(design, TrainParams(images=80, batch=8), "float32", 3)
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(size=value.shape).astype(np.float32)
        for name, value in trainer.kept_weights().items()
    }
    history = History(rows=[[80, 1.0, 2.0, 0.5, -0.5, 1e-3, 0.1]])
    history.add(Snapshot(64, 1.0, np.zeros((80, 8, 8, 1), np.uint8), weights))
    names = NAMES if design.classes else ()
    write_model(folder, trainer, history, {}, names, [0.5, 0.5])
    return trainer


def test_both_generators_and_the_discriminator_begin_as_in_the_model(tmp_path: Path) -> None:
    model = saved(tmp_path / "start")
    trainer = Trainer(DESIGN, TrainParams(images=80, batch=8), "float32", 7)
    start = read_start(tmp_path / "start", DESIGN, NAMES)
    assert (start.images, start.new_classes) == (64, [])
    trainer.start_from(start)
    for mine, theirs in (
        (trainer.generator, model.averaged),
        (trainer.averaged, model.averaged),
        (trainer.discriminator, model.discriminator),
    ):
        for name, variable in weights_of(mine).items():
            np.testing.assert_array_equal(variable, weights_of(theirs)[name])
    history = History(rows=[[80, 1.0, 2.0, 0.5, -0.5, 1e-3, 0.1]])
    kept = {name: value.numpy() for name, value in trainer.kept_weights().items()}
    history.add(Snapshot(80, 1.0, np.zeros((80, 8, 8, 1), np.uint8), kept))
    write_model(tmp_path / "model", trainer, history, {}, NAMES, [0.5, 0.5])
    card = sha256_of(tmp_path / "start/card.json")
    assert read_json(tmp_path / "model/card.json")["start"] == {"card": card, "new_classes": []}


@pytest.mark.parametrize("architecture", ["lean", "residual"])
def test_classes_are_found_by_name_and_new_ones_begin_with_the_mean(
    architecture: str, tmp_path: Path
) -> None:
    old_design = replace(DESIGN, architecture=architecture)
    model = saved(tmp_path / "start", old_design)
    design = replace(old_design, classes=3)
    start = read_start(tmp_path / "start", design, ("ape", "dog", "cat"))
    assert start.new_classes == ["ape"]
    assert "ape" in start.said
    trainer = Trainer(design, TrainParams(images=80, batch=8), "float32", 7)
    trainer.start_from(start)
    latents = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32)
    for old, new in ((0, 2), (1, 1)):  # cat and dog
        before = model.averaged([latents, np.full(4, old)]).numpy()
        after = trainer.averaged([latents, np.full(4, new)])
        np.testing.assert_allclose(after, before, atol=1e-6)
        logits = model.discriminator([before, np.full(4, old)])
        np.testing.assert_allclose(
            trainer.discriminator([before, np.full(4, new)]), logits, rtol=1e-5, atol=1e-5
        )
    if architecture == "lean":
        first = start.generator["000/kernel"]
        np.testing.assert_allclose(first[6], first[7:].mean(axis=0), atol=1e-6)


def test_a_class_that_is_gone_is_left_out(tmp_path: Path) -> None:
    saved(tmp_path / "start")
    start = read_start(tmp_path / "start", replace(DESIGN, classes=1), ("dog",))
    trainer = Trainer(replace(DESIGN, classes=1), TrainParams(images=80, batch=8), "float32", 7)
    trainer.start_from(start)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": (12, 8, 3)}, "images 8 × 8 × 1, and the training 8 × 12 × 3"),
        ({"classes": 0}, "labels classes, and the training no classes"),
        ({"latent": 7}, "latent 6, and the training 7"),
        ({"width": 16}, "width 32, and the training 16"),
        ({"architecture": "article"}, "architecture lean, and the training article"),
    ],
)
def test_other_networks_are_refused(change: dict, said: str, tmp_path: Path) -> None:  # type: ignore[type-arg]
    saved(tmp_path / "start")
    with pytest.raises(DataError, match=f"the model to start from has {said}") as caught:
        read_start(tmp_path / "start", replace(DESIGN, **change), NAMES)
    assert "train.start: none" in str(caught.value.run)


def test_no_model_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no model to start from"):
        read_start(tmp_path / "start", DESIGN, NAMES)
    saved(tmp_path / "start")
    (tmp_path / "start/discriminator.safetensors").write_bytes(b"half")
    with pytest.raises(DataError, match="not those that the card describes"):
        read_start(tmp_path / "start", DESIGN, NAMES)


def test_one_s_own_networks_start_with_the_same_classes_alone(tmp_path: Path) -> None:
    saved(tmp_path / "start")
    card = read_json(tmp_path / "start/card.json")
    card["design"]["architecture"] = "nets:build"
    write_json(tmp_path / "start/card.json", {**card, "layers": {}})
    own = replace(DESIGN, architecture="nets:build")
    assert read_start(tmp_path / "start", own, NAMES).new_classes == []
    with pytest.raises(DataError, match="the classes cat, dog"):
        read_start(tmp_path / "start", own, ("dog", "cat"))
