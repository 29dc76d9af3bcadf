"""How long a classifier learns, and that many of them can."""

import logging

import numpy as np
import pytest

from ganflow.features.classifier import Lessons, epochs_for, train
from ganflow.features.extractor import Extractor
from tests.tracing import forget_tracing


@pytest.mark.parametrize(
    ("images", "epochs"), [(54_000, 2), (30_000, 2), (29_999, 3), (10_000, 6), (3_000, 20), (1, 20)]
)
def test_few_images_are_seen_more_often(images: int, epochs: int) -> None:
    assert epochs_for(images) == epochs


def test_six_in_a_row_are_not_taken_for_one_that_is_traced_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_tracing(monkeypatch)
    monkeypatch.setattr(logging.getLogger("tensorflow"), "propagate", True)
    images = np.random.default_rng(0).integers(0, 255, (64, 8, 8, 1), np.uint8)
    labels = np.arange(64) % 2
    for seed in range(6):
        weights = train(images, labels, 8, 2, Lessons(seed, 1, 32, 0.01, bfloat16=False))
        card = {"shape": (8, 8, 1), "features": 8, "classes": ("even", "odd")}
        Extractor(weights, card).describe(images)
    assert "retracing" not in caplog.text
