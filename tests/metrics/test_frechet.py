"""The Fréchet distance against closed forms, and its interval against repeated draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from ganflow.base.errors import DataError
from ganflow.metrics.frechet import (
    Moments,
    baseline,
    bootstrap,
    distance,
    frechet_distance,
    moments,
)
from ganflow.metrics.intervals import basic_bootstrap


def gaussian(mean: np.ndarray, deviations: np.ndarray) -> Moments:
    return Moments(mean, np.diag(deviations))


def test_gaussians_of_known_moments_have_the_closed_form() -> None:
    # Diagonal covariances commute: FD = |μ₁ − μ₂|² + Σ(σ₁ − σ₂)²
    numbers = np.random.default_rng(0)
    means, deviations = numbers.normal(size=(2, 16)), numbers.uniform(0, 3, (2, 16))
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    a, b = (gaussian(m, s) for m, s in zip(means, deviations, strict=True))
    assert distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_agrees_with_the_matrix_square_root() -> None:
    numbers = np.random.default_rng(1)
    a = numbers.normal(size=(4000, 24)) @ numbers.normal(size=(24, 24))
    b = numbers.normal(size=(3000, 24)) @ numbers.normal(size=(24, 24)) + 0.5
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = (
        np.sum((a.mean(0) - b.mean(0)) ** 2)
        + np.trace(covariances[0] + covariances[1])
        - 2 * np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    )
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(2, 40), m=st.integers(2, 40), d=st.integers(1, 12))
def test_symmetric_and_zero_to_itself_and_blind_to_rotation(
    seed: int, n: int, m: int, d: int
) -> None:
    numbers = np.random.default_rng(seed)
    a, b = numbers.normal(size=(n, d)), numbers.normal(2, 1, size=(m, d))
    turn, _ = np.linalg.qr(numbers.normal(size=(d, d)))
    value = frechet_distance(a, b)
    assert value == pytest.approx(frechet_distance(b, a), rel=1e-9, abs=1e-9)
    assert value == pytest.approx(frechet_distance(a @ turn + 5, b @ turn + 5), rel=1e-8, abs=1e-8)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_rows_in_blocks_give_the_factor_of_the_whole() -> None:
    rows = np.random.default_rng(2).normal(3, 2, size=(1001, 7))
    found = moments(rows)
    np.testing.assert_allclose(
        found.factor.T @ found.factor, np.cov(rows, rowvar=False), rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("n", "m", "d"), [(500, 500, 8), (400, 1600, 16)])
def test_identical_normals_have_the_known_bias(n: int, m: int, d: int) -> None:
    numbers = np.random.default_rng(3)
    values = [
        frechet_distance(numbers.normal(size=(n, d)), numbers.normal(size=(m, d)))
        for _ in range(60)
    ]
    expected = (1 / n + 1 / m) * (d + d * (d + 1) / 4)
    assert np.mean(values) == pytest.approx(expected, rel=0.08)


def test_dead_features_change_nothing() -> None:
    numbers = np.random.default_rng(4)
    a, b = numbers.normal(size=(300, 6)), numbers.normal(1, 2, size=(200, 6))
    dead = [np.hstack([rows, np.zeros((len(rows), 5))]) for rows in (a, b)]
    assert frechet_distance(*dead) == pytest.approx(frechet_distance(a, b), rel=1e-10)


def test_fewer_rows_than_features_is_exact() -> None:
    # Two rows each along one axis: Σ has one eigenvalue, and everything is known by hand.
    a, b = np.zeros((2, 50)), np.zeros((2, 50))
    a[:, 3], b[:, 3], b[:, 9] = (-1, 1), (-3, 3), (4, 4)
    # σ² = 2 and 18 along axis 3; means differ by 4 along axis 9: 16 + (√2 − √18)² = 16 + 8
    assert frechet_distance(a, b) == pytest.approx(24, rel=1e-12)


def test_all_samples_equal_is_the_distance_to_a_point() -> None:
    b = np.random.default_rng(5).normal(size=(800, 10))
    point = np.full((50, 10), 2.0)
    expected = np.sum((b.mean(0) - 2) ** 2) + np.trace(np.cov(b, rowvar=False))
    assert frechet_distance(point, b) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "rows", [np.zeros((1, 4)), np.zeros(4), np.array([[1.0, np.nan], [0, 0]]), np.zeros((0, 4))]
)
def test_what_has_no_moments_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(DataError):
        moments(rows)


def test_baseline_draws_from_all_rows_and_matches_the_bias() -> None:
    # Rows sorted by their first feature: a prefix would stand far off, random subsets do not.
    numbers = np.random.default_rng(6)
    train = numbers.normal(size=(8000, 8))
    train = train[np.argsort(train[:, 0])]
    test = numbers.normal(size=(1000, 8))
    found = baseline(train, test, 1000, 20, np.random.default_rng(0))
    assert found.mean == pytest.approx(2 / 1000 * (8 + 18), rel=0.35)
    assert frechet_distance(train[:1000], test) > 20 * found.mean
    assert found.spread == pytest.approx(np.std(found.draws, ddof=1))
    assert len(found.draws) == 20


def test_a_baseline_of_more_rows_than_there_are_is_refused() -> None:
    rows = np.zeros((10, 2))
    with pytest.raises(DataError, match="11 samples"):
        baseline(rows, rows, 11, 3, np.random.default_rng(0))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    numbers = np.random.default_rng(7)
    d, n, draws = 6, 400, 200
    reference = gaussian(np.zeros(d), np.ones(d))
    scale = np.linspace(0.7, 1.4, d)

    def sample() -> np.ndarray:
        return 0.3 + scale * numbers.normal(size=(n, d))

    truth = np.mean([distance(moments(sample()), reference) for _ in range(2000)])
    held = 0
    for _ in range(draws):
        rows = sample()
        value = distance(moments(rows), reference)
        found = basic_bootstrap(value, bootstrap(rows, reference, 100, numbers))
        held += found.low <= truth <= found.high
    assert 0.90 <= held / draws <= 0.99
