"""What the extractor reads least well, against closed forms."""

import numpy as np
import pytest

from ganflow.report.failures import confusion_matrix, least_likely, readings, worst_confusions


def test_likelihood_is_that_of_the_class_asked_for() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]))
    seen = readings(logits, np.array([0, 1]))
    assert seen.read.tolist() == [0, 2]
    assert seen.likelihood == pytest.approx([0.7, 0.3])
    assert readings(logits, None).likelihood == pytest.approx([0.7, 0.6])


def test_huge_logits_stay_finite() -> None:
    seen = readings(np.array([[1e4, -1e4]], np.float32), np.array([1]))
    assert seen.likelihood.tolist() == [0.0]


def test_the_least_likely_come_first() -> None:
    logits = np.array([[3.0, 0], [0, 3.0], [1.0, 0]])
    seen = readings(logits, np.array([0, 0, 0]))
    assert least_likely(seen, 2).tolist() == [1, 2]


def test_confusions_count_every_sample_once() -> None:
    labels, read = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2])
    matrix = confusion_matrix(labels, read, 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 1]]
    worst = worst_confusions(matrix, 5)
    assert [(w.asked, w.read, w.count) for w in worst] == [(0, 1, 2), (2, 0, 1)]
    assert [w.share for w in worst] == pytest.approx([2 / 3, 1 / 2])
