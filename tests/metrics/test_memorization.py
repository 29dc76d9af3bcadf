"""Copies are called copies, held-out images are not."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu

from ganflow.metrics.doubts import COPYING
from ganflow.metrics.memorization import TrainingImages, c_t, mann_whitney


@pytest.mark.parametrize("rounded", [False, True])
def test_the_z_score_agrees_with_scipy(rounded: bool) -> None:
    numbers = np.random.default_rng(0)
    a, b = numbers.normal(size=300), numbers.normal(0.2, 1, size=200)
    if rounded:  # many ties
        a, b = a.round(), b.round()
    found = mann_whitney(a, b)
    there = mannwhitneyu(a, b, use_continuity=False, method="asymptotic")
    expected = (there.statistic - 300 * 200 / 2) / abs(there.statistic - 300 * 200 / 2)
    from scipy.stats import norm

    assert 2 * norm.sf(abs(found)) == pytest.approx(there.pvalue, rel=1e-9)
    assert np.sign(found) == expected


def test_equal_values_score_nothing() -> None:
    assert mann_whitney(np.ones(30), np.ones(40)) == 0.0


def test_cells_are_weighted_by_their_test_images_and_small_ones_left_out() -> None:
    numbers = np.random.default_rng(1)
    ours, theirs = numbers.uniform(size=500), numbers.uniform(size=600)
    our_cells = np.repeat([0, 1, 2], [300, 190, 10])
    their_cells = np.repeat([0, 1, 2], [200, 300, 100])
    scores = [mann_whitney(ours[our_cells == c], theirs[their_cells == c]) for c in (0, 1)]
    expected = (200 * scores[0] + 300 * scores[1]) / 500
    assert c_t(ours, our_cells, theirs, their_cells, 3) == pytest.approx(expected, rel=1e-12)


@pytest.fixture(scope="module")
def draws() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(2)
    mixing = numbers.normal(size=(80, 80)) * np.linspace(1, 0.05, 80)
    train, test, fresh = (numbers.normal(size=(1500, 80)) @ mixing for _ in range(3))
    return train, test, fresh


def test_new_draws_are_new(draws: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    train, test, fresh = draws
    found = TrainingImages(train, test).compare(fresh)
    assert abs(found.ct) < 3
    assert found.authenticity > 0.4


def test_the_training_set_itself_is_called_a_copy(
    draws: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    train, test, _ = draws
    found = TrainingImages(train, test).compare(train)
    assert found.ct < 5 * COPYING
    assert found.authenticity == 0.0
    assert found.median_distance == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(found.nearest, np.arange(len(train)))


def test_slightly_changed_copies_are_still_caught(
    draws: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    train, test, _ = draws
    noise = 0.05 * train.std() * np.random.default_rng(3).normal(size=train.shape)
    found = TrainingImages(train, test).compare(train + noise)
    assert found.ct < COPYING
    assert found.authenticity < 0.1


def test_too_far_away_is_the_other_side(draws: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    train, test, fresh = draws
    assert TrainingImages(train, test).compare(2 * fresh).ct > 3


def test_authenticity_is_its_definition() -> None:
    # With at most 64 features the components keep all distances.
    numbers = np.random.default_rng(4)
    train, test, ours = (numbers.normal(size=(n, 10)) for n in (200, 100, 150))
    found = TrainingImages(train, test).compare(ours)
    between = cdist(ours, train)
    own = (cdist(train, train) + np.diag(np.full(200, np.inf))).min(axis=1)
    expected = np.mean(between.min(axis=1) > own[between.argmin(axis=1)])
    assert found.authenticity == pytest.approx(expected)
    np.testing.assert_allclose(found.distances, between.min(axis=1), rtol=1e-9)
