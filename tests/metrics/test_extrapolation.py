"""FD∞ finds the distance of the distributions, where FD at any N is biased."""

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.metrics.extrapolation import extrapolate
from ganflow.metrics.frechet import frechet_distance


def test_the_intercept_is_the_true_distance_and_its_error_is_honest() -> None:
    # N(0, I) against N(shift, scale²·I): FD∞ = d·shift² + d·(scale − 1)²
    numbers = np.random.default_rng(0)
    d, n, shift, scale = 8, 2000, 0.1, 1.1
    truth = d * shift**2 + d * (scale - 1) ** 2
    found = []
    for _ in range(25):
        real = numbers.normal(size=(n, d))
        ours = shift + scale * numbers.normal(size=(n, d))
        found.append((extrapolate(ours, real, numbers), frechet_distance(ours, real)))
    intercepts = np.array([line.intercept for line, _ in found])
    plain = np.array([value for _, value in found])
    bias = (1 + scale) * (d + d * (d + 1) / 4) / n
    assert abs(intercepts.mean() - truth) < 0.3 * bias
    assert plain.mean() - truth > 0.6 * bias
    errors = np.mean([line.error for line, _ in found])
    assert 0.75 < errors / intercepts.std() < 1.6


def test_real_against_real_extrapolates_to_nothing() -> None:
    numbers = np.random.default_rng(1)
    lines = [
        extrapolate(numbers.normal(size=(2000, 6)), numbers.normal(size=(2000, 6)), numbers)
        for _ in range(20)
    ]
    at_all = np.mean([line.distances[-1] for line in lines])
    assert abs(np.mean([line.intercept for line in lines])) < 0.15 * at_all


def test_ten_sizes_up_to_all_rows_and_the_line_through_them() -> None:
    numbers = np.random.default_rng(2)
    line = extrapolate(numbers.normal(size=(600, 3)), numbers.normal(size=(500, 3)), numbers)
    assert len(line.sizes) >= 10
    assert line.sizes[0] == 50
    assert line.sizes[-1] == 500
    slope, intercept = np.polyfit(1 / np.array(line.sizes), line.distances, 1)
    assert line.at(100) == pytest.approx(intercept + slope / 100)


def test_too_few_rows_are_refused_with_their_number() -> None:
    rows = np.random.default_rng(3).normal(size=(60, 8))
    with pytest.raises(DataError, match="60 images"):
        extrapolate(rows, rows, np.random.default_rng(0))
