"""What the extractor reads least well, against closed forms."""

import numpy as np
import pytest

from ganflow.metrics.failures import (
    MOST_CLASSES,
    confusion_matrix,
    find_failures,
    least_likely,
    predictions,
    worst_confusions,
)

LIKELIHOODS = (0.7, 0.05, 0.9, 0.3)


def test_likelihood_is_that_of_the_class_asked_for() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]))
    seen = predictions(logits, np.array([0, 1]))
    assert seen.predicted.tolist() == [0, 2]
    assert seen.likelihood == pytest.approx([0.7, 0.3])
    assert predictions(logits, None).likelihood == pytest.approx([0.7, 0.6])


def test_huge_logits_stay_finite() -> None:
    seen = predictions(np.array([[1e4, -1e4]], np.float32), np.array([1]))
    assert seen.likelihood.tolist() == [0.0]


def test_the_least_likely_come_first() -> None:
    logits = np.array([[3.0, 0], [0, 3.0], [1.0, 0]])
    seen = predictions(logits, np.array([0, 0, 0]))
    assert least_likely(seen, 2).tolist() == [1, 2]


def test_confusions_count_every_sample_once() -> None:
    labels, read = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2])
    matrix = confusion_matrix(labels, read, 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 1]]
    worst = worst_confusions(matrix, 5)
    assert [(w["requested"], w["predicted"], w["count"]) for w in worst] == [(0, 1, 2), (2, 0, 1)]
    assert [w["share"] for w in worst] == pytest.approx([2 / 3, 1 / 2])


def test_without_classes_the_least_upright_come_first() -> None:
    """However many shapes the extractor tells apart: what counts is the turn."""
    rng = np.random.default_rng(0)
    turns = np.stack([np.array([p, *(3 * [(1 - p) / 3])]) for p in LIKELIHOODS])
    shapes = rng.dirichlet(np.ones(32), len(turns))
    joint = (shapes[:, :, None] * turns[:, None, :]).reshape(len(turns), -1)
    for logits in (np.log(joint) + 3, np.log(turns)):
        weakest = find_failures(None, logits.astype(np.float32), ())["weakest"]
        assert [weak["sample"] for weak in weakest] == [1, 3, 0, 2]
        found = [weak["likelihood"] for weak in weakest]
        assert found == pytest.approx(sorted(LIKELIHOODS), abs=1e-5)
        assert all(set(weak) == {"sample", "likelihood"} for weak in weakest)


def test_what_is_found_names_requested_and_predicted_classes() -> None:
    logits = np.log(np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]]))
    found = find_failures(np.array([0, 0, 1]), logits, ("a", "b"))
    assert found["samples"] == 3
    assert [(w["sample"], w["requested"], w["predicted"]) for w in found["weakest"]] == [
        (1, 0, 1),
        (2, 1, 0),
        (0, 0, 0),
    ]
    assert found["matrix"] == [[1, 1], [1, 0]]
    assert {(c["requested"], c["predicted"]) for c in found["confusions"]} == {(0, 1), (1, 0)}


def test_many_classes_have_no_matrix() -> None:
    names = [str(k) for k in range(MOST_CLASSES + 1)]
    found = find_failures(np.arange(21), np.eye(21), names)
    assert "matrix" not in found
    assert found["confusions"] == []
