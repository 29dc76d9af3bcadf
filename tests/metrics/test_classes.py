"""Class distributions: what is counted, and what sampling alone explains."""

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax
from scipy.stats import entropy

from ganflow.metrics.classes import class_score, classes, kl_divergence, softmax


def sure(labels: np.ndarray, size: int) -> np.ndarray:
    """Logits that see each sample as the class of its label."""
    return 20.0 * np.eye(size)[labels]


def test_divergence_agrees_with_scipy() -> None:
    numbers = np.random.default_rng(0)
    p, q = numbers.integers(1, 1000, (2, 10))
    assert kl_divergence(p, q) == pytest.approx(entropy(p, q + 0.5), rel=1e-10)
    assert kl_divergence(q, q) == pytest.approx(0, abs=1e-5)


def test_sampling_alone_adds_the_baseline() -> None:
    numbers = np.random.default_rng(1)
    real = numbers.integers(10, size=500_000)
    found = [classes(sure(numbers.integers(10, size=1000), 10), real, None) for _ in range(200)]
    assert found[0].baseline == 9 / 2000
    assert np.mean([f.kl for f in found]) == pytest.approx(found[0].baseline, rel=0.2)


def test_a_dropped_class_costs_the_log_of_what_is_left() -> None:
    real = np.arange(10_000) % 10
    found = classes(sure(np.arange(9_000) % 9, 10), real, None)
    assert found.kl == pytest.approx(np.log(10 / 9), rel=1e-3)
    assert found.generated[9] == 0
    assert found.label_accuracy is None


def test_label_accuracy_counts_what_is_seen_as_asked() -> None:
    asked = np.array([0, 0, 1, 1, 1, 2])
    seen = np.array([0, 1, 1, 1, 0, 2])
    found = classes(sure(seen, 4), np.arange(4), asked)
    assert found.label_accuracy == pytest.approx(4 / 6)
    assert found.accuracy_by_class is not None
    np.testing.assert_allclose(found.accuracy_by_class, [1 / 2, 2 / 3, 1, np.nan])
    assert found.confidence == pytest.approx(1, abs=1e-6)


def test_probabilities_agree_with_scipy_and_survive_large_logits() -> None:
    logits = np.random.default_rng(2).normal(0, 300, size=(50, 7)).astype(np.float32)
    np.testing.assert_allclose(
        softmax(logits), scipy_softmax(logits.astype(np.float64), axis=1), rtol=1e-12
    )


def test_the_score_runs_from_one_to_the_number_of_classes() -> None:
    assert class_score(50.0 * np.eye(8)) == pytest.approx(8, rel=1e-9)
    assert class_score(np.zeros((30, 8))) == pytest.approx(1, rel=1e-12)


def test_a_thousand_modes_and_their_baseline() -> None:
    numbers = np.random.default_rng(3)
    real = np.arange(100_000) % 1000
    full = classes(sure(numbers.integers(1000, size=26_000), 1000), real, None)
    assert full.covered == len(full.generated) == 1000
    assert full.baseline == pytest.approx(0.0192, abs=1e-4)
    assert full.kl == pytest.approx(full.baseline, rel=0.15)
    half = classes(sure(numbers.integers(500, size=26_000), 1000), real, None)
    assert half.covered == 500
    assert half.kl == pytest.approx(np.log(2) + 499 / 52_000, abs=0.01)
