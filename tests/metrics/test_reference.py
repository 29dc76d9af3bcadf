"""The same numbers as torch-fidelity and prdc from the same features.

Run by `make test-reference`, after `make bench-setup` has installed the two.
"""

import numpy as np
import pytest

from benchmarks import reference
from ganflow.metrics.classes import class_score
from ganflow.metrics.frechet import frechet_distance
from ganflow.metrics.kernel import squared_mmd
from ganflow.metrics.prdc import prdc

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def features() -> tuple[np.ndarray, np.ndarray]:
    """Like an extractor's: correlated, never negative, some dead; float32 (2000, 64)."""
    numbers = np.random.default_rng(0)
    mixing = numbers.normal(size=(24, 64))
    mixing[:, 60:] = 0
    generated, real = (
        np.maximum(numbers.normal(shift, 1, size=(2000, 24)) @ mixing, 0).astype(np.float32)
        for shift in (0.05, 0.0)
    )
    return generated, real


def test_frechet_distance_to_a_millionth(features: tuple[np.ndarray, np.ndarray]) -> None:
    alive = [rows[:, :60].astype(np.float64) for rows in features]
    there = reference.frechet_distance(*alive)
    assert frechet_distance(*alive) == pytest.approx(there, rel=1e-6)
    assert frechet_distance(*features) == pytest.approx(there, rel=1e-6)


def test_kernel_distance_to_a_millionth(features: tuple[np.ndarray, np.ndarray]) -> None:
    rows = [rows.astype(np.float64) for rows in features]
    there = reference.kernel_distance(*rows, subsets=1, size=2000)  # no luck of the draw
    assert squared_mmd(*rows) == pytest.approx(there, rel=1e-6)


def test_precision_and_recall_to_one_image(features: tuple[np.ndarray, np.ndarray]) -> None:
    there = reference.precision_recall(*(rows.astype(np.float64) for rows in features), k=3)
    ours = prdc(*features, k=3)
    # torch.cdist rounds differently: on a ball's edge an image may fall on either side
    assert (ours.precision, ours.recall) == pytest.approx(there, abs=1.5 / 2000)


def test_all_four_against_the_authors_package(features: tuple[np.ndarray, np.ndarray]) -> None:
    generated, real = (rows.astype(np.float64) for rows in features)
    there = reference.prdc(generated, real, k=5)
    assert prdc(generated, real, k=5).all_four() == pytest.approx(there, rel=1e-6)


def test_the_score_to_a_millionth() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (3000, 10)).astype(np.float32)
    assert class_score(logits) == pytest.approx(reference.inception_score(logits), rel=1e-6)
