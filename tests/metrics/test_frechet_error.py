"""The error of a Fréchet distance against the jackknife by definition, and against repetition."""

import numpy as np
import pytest
from scipy import linalg, stats

from ganflow.metrics.frechet import distance, moments
from ganflow.metrics.frechet_error import frechet_error


def by_definition(a: np.ndarray, b: np.ndarray) -> float:
    between = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    shift = a.mean(axis=0) - b.mean(axis=0)
    return float(shift @ shift + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * between))


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_agrees_with_a_jackknife_that_leaves_out_each_row(shift: float) -> None:
    numbers = np.random.default_rng(0)
    rows = shift + numbers.normal(size=(300, 4)) @ numbers.normal(size=(4, 4))
    real = numbers.normal(size=(400, 4))
    without = [by_definition(np.delete(rows, index, axis=0), real) for index in range(len(rows))]
    jackknife = np.sqrt((len(rows) - 1) * np.var(without))
    assert frechet_error(rows, moments(real)) == pytest.approx(jackknife, rel=0.05)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.3, 1.3)], ids=["equal", "other"])
def test_an_interval_of_few_rows_holds_the_truth_as_often_as_it_says(
    shift: float, scale: float
) -> None:
    numbers = np.random.default_rng(1)
    d, n = 30, 60
    reference = moments(numbers.normal(size=(n, d)))

    def draw() -> np.ndarray:
        return shift + scale * numbers.normal(size=(n, d))

    truth = np.mean([distance(moments(draw()), reference) for _ in range(1500)])
    half = stats.t(n - 1).ppf(0.975)
    held = 0
    for _ in range(300):
        rows = draw()
        value = distance(moments(rows), reference)
        held += abs(value - truth) <= half * frechet_error(rows, reference)
    assert 0.90 <= held / 300 <= 0.995


def test_equal_rows_have_no_error_and_fewer_rows_than_features_have_one() -> None:
    numbers = np.random.default_rng(2)
    reference = moments(numbers.normal(size=(50, 8)))
    assert frechet_error(np.full((40, 8), 3.0), reference) == pytest.approx(0.0, abs=1e-9)
    assert 0.1 < frechet_error(numbers.normal(size=(5, 8)), reference) < 10
