"""The evaluation of snapshots against another way to compute it."""

import numpy as np
import pytest

from ganflow.config.train import TrainParams
from ganflow.gan.networks.design import Design
from ganflow.gan.snapshots import IMAGES, PICTURE_COLUMNS, PICTURE_ROWS, SnapshotEvaluator
from ganflow.gan.trainer import Trainer
from ganflow.metrics import frechet
from tests.gan.tiny import extractor, images

VALIDATION = images(60, 1)[0]


def new_trainer(seed: int) -> Trainer:
    return Trainer(
        Design("lean", (8, 8, 1), 2, 6), TrainParams(images=80, batch=8), "float32", seed
    )


def new_evaluator(trainer: Trainer, shares: tuple[float, ...] = (0.5, 0.5)) -> SnapshotEvaluator:
    return SnapshotEvaluator(trainer, extractor(), VALIDATION, list(shares), 3)


def test_the_distance_is_that_of_its_samples_to_the_validation_split() -> None:
    evaluator = new_evaluator(new_trainer(1))
    images = evaluator.samples(IMAGES), VALIDATION
    features = [evaluator.extractor.describe(each).features for each in images]
    expected = frechet.distance(*map(frechet.moments, features))
    assert evaluator.snapshot(80).fd == pytest.approx(expected, rel=1e-9)


def test_two_trainers_have_two_results() -> None:
    """In one process, in either order, and again."""
    first, second = new_trainer(1), new_trainer(2)
    fds = [new_evaluator(trainer).snapshot(0).fd for trainer in (first, second, first)]
    assert fds[0] == fds[2]
    assert fds[0] != pytest.approx(fds[1], rel=1e-3)


def test_the_picture_has_classes_in_columns_and_the_weights_are_the_averaged_ones() -> None:
    trainer = new_trainer(1)
    snapshot = new_evaluator(trainer).snapshot(40)
    assert snapshot.images == 40
    assert snapshot.picture.shape == (PICTURE_ROWS * PICTURE_COLUMNS, 8, 8, 1)
    assert snapshot.picture.dtype == np.uint8
    for name, variable in trainer.kept_weights().items():
        np.testing.assert_array_equal(snapshot.weights[name], variable)


def test_labels_have_the_shares_of_the_data() -> None:
    evaluator = new_evaluator(new_trainer(1), (0.9, 0.1))
    _, labels = evaluator._draw(2_000, 0)
    assert float(np.mean(labels)) == pytest.approx(0.1, abs=0.03)
