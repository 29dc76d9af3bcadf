"""Permutation tests against other definitions, and their level against repetition."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import chi2_contingency

from ganflow.incoming import permutation
from ganflow.incoming.permutation import kernel_test, shares_test


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    """Mean kernel within each set, without an image's own, minus twice that across."""
    both = np.concatenate([x, y])
    width = permutation.WIDTH * np.median(cdist(both, both, "sqeuclidean"))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-cdist(a, b, "sqeuclidean") / width))

    within = [(kernel(s, s).sum() - len(s)) / len(s) / (len(s) - 1) for s in (x, y)]
    return float(sum(within) - 2 * kernel(x, y).mean())


def test_the_statistics_are_the_kernel_distance_and_chi_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permutation, "EXCEEDANCES", 10**9)
    numbers = np.random.default_rng(0)
    x, y = numbers.normal(size=(20, 5)), numbers.normal(0.3, 1, size=(40, 5))
    found = kernel_test(x, y, 0.05, numbers)
    assert found.value == pytest.approx(by_definition(x, y), rel=1e-4)
    few, many = np.array([125, 105, 0, 70]), np.array([500, 300, 0, 200])
    shares = shares_test(few, many, 1e-4, numbers)
    expected = chi2_contingency(np.stack([few, many])[:, [0, 1, 3]], correction=False)
    assert shares.value == pytest.approx(expected.statistic)
    assert shares.p == pytest.approx(expected.pvalue, rel=0.3)
    assert 0.001 < expected.pvalue < 0.1


@pytest.mark.parametrize("kind", ["kernel", "shares"])
def test_p_values_are_uniform_where_nothing_differs(kind: str) -> None:
    numbers = np.random.default_rng(1)

    def p() -> float:
        if kind == "kernel":
            x, y = numbers.normal(size=(20, 3)), numbers.normal(size=(40, 3))
            return kernel_test(x, y, 0.005, numbers).p
        shares = [0.2, 0.3, 0.4, 0.1]
        few, many = numbers.multinomial(60, shares), numbers.multinomial(300, shares)
        return shares_test(few, many, 0.005, numbers).p

    found = np.array([p() for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        error = np.sqrt(level * (1 - level) / 400)
        assert abs((found <= level).mean() - level) < 4 * error
    assert (found <= 0.005).mean() < 0.02


def test_a_difference_is_found_at_a_small_level_and_says_what_is_usual() -> None:
    numbers = np.random.default_rng(2)
    moved = kernel_test(numbers.normal(1, 1, (60, 4)), numbers.normal(size=(100, 4)), 1e-4, numbers)
    assert moved.rejects
    assert moved.p == pytest.approx(1e-4, rel=0.01)
    assert 0 < moved.usual < moved.value / 3
    shares = shares_test(np.array([50, 10]), np.array([500, 500]), 1e-5, numbers)
    assert shares.rejects
    assert not shares_test(np.array([25, 25]), np.array([500, 500]), 0.05, numbers).rejects


def test_an_unsuspicious_sample_costs_few_divisions() -> None:
    drawn: list[int] = []

    def draw(count: int) -> np.ndarray:
        drawn.append(count)
        return np.arange(count, dtype=float)

    found = permutation._tested(50.0, draw, 1e-6, 0.0)
    assert sum(drawn) == permutation.FEWEST
    assert found.p == pytest.approx(10 / 60)
    assert permutation._tested(1e9, draw, 1e-4, 0.0).p == pytest.approx(1e-4)
