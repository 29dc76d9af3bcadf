"""Intervals hold the truth as often as they say, over repeated draws of samples."""

import numpy as np
from scipy import stats

from ganflow.evaluation.classes import classes
from ganflow.evaluation.intervals import binomial, student
from ganflow.evaluation.prdc import prdc


def test_student_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).normal(size=9)
    there = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = student(float(values.mean()), float(values.std(ddof=1)) / 3, 8)
    np.testing.assert_allclose(found.bounds, (there.low, there.high), rtol=1e-9)


def test_of_precision_and_density_over_draws_of_samples() -> None:
    numbers = np.random.default_rng(1)
    real = numbers.normal(size=(300, 4))

    def draw(count: int) -> np.ndarray:
        return numbers.normal(0.8, 1.3, size=(count, 4))

    truth = prdc(draw(20_000), real)
    held = {"precision": 0, "density": 0}
    for _ in range(200):
        found = prdc(draw(300), real)
        share = binomial(round(found.precision * 300), 300)
        held["precision"] += share.low <= truth.precision <= share.high
        mean = student(found.density, found.density_error, 299)
        held["density"] += mean.low <= truth.density <= mean.high
    assert all(0.90 <= count / 200 <= 0.99 for count in held.values()), held


def test_of_the_divergence_over_draws_of_samples() -> None:
    numbers = np.random.default_rng(2)
    shares = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    real = np.repeat(np.arange(5), 20_000)
    found = [classes(np.eye(5)[numbers.choice(5, 1000, p=shares)], real, None) for _ in range(200)]
    expected = np.mean([f.kl for f in found])
    held = np.mean([f.interval.low <= expected <= f.interval.high for f in found])
    assert 0.90 <= held <= 0.99
