"""Every interval that is published holds the truth 90 to 99 times in 100.

The truth is what the number would be on average over draws of equally many samples, the splits
being the same: what is biased at N samples (a Fréchet distance, a divergence, recall) has an
interval of its expectation there, and its baseline beside it. FD∞ alone claims to be free of that
bias, so its truth is the distance of the distributions. The Fréchet distance's own interval is
in test_frechet.py, the kernel distance's in test_kernel.py.
"""

from collections.abc import Iterable

import numpy as np
import pytest
from scipy import stats

from ganflow.metrics.classes import classes
from ganflow.metrics.extrapolation import extrapolate
from ganflow.metrics.fresh_classifiers import AccuracyScore
from ganflow.metrics.intervals import Interval, binomial, normal, student
from ganflow.metrics.memorization import TrainingImages
from ganflow.metrics.prdc import Prdc, prdc


def held(intervals: Iterable[Interval], truth: float) -> float:
    return float(np.mean([found.low <= truth <= found.high for found in intervals]))


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


@pytest.mark.parametrize(("shift", "scale"), [(0.8, 1.3), (0.3, 0.8)])
def test_of_recall_and_coverage_over_draws_of_samples(shift: float, scale: float) -> None:
    # as shares of real images they would hold it 69 to 88 times in 100
    numbers = np.random.default_rng(3)
    real = numbers.normal(size=(300, 4))

    def draw() -> Prdc:
        return prdc(numbers.normal(shift, scale, size=(300, 4)), real)

    found = [draw() for _ in range(400)]
    recall, coverage = (
        held(
            [normal(getattr(f, name), getattr(f, f"{name}_error")) for f in found],
            float(np.mean([getattr(f, name) for f in found])),
        )
        for name in ("recall", "coverage")
    )
    assert 0.90 <= recall <= 0.99
    assert 0.90 <= coverage <= 0.99


@pytest.mark.parametrize(
    "shares",
    [np.full(5, 0.2), np.array([0.22, 0.2, 0.2, 0.2, 0.18]), np.array([0.3, 0.25, 0.2, 0.15, 0.1])],
    ids=["at its baseline", "near it", "far from it"],
)
def test_of_the_divergence_over_draws_of_samples(shares: np.ndarray) -> None:
    numbers = np.random.default_rng(2)
    real = np.repeat(np.arange(5), 20_000)
    found = [classes(np.eye(5)[numbers.choice(5, 1000, p=shares)], real, None) for _ in range(300)]
    expected = float(np.mean([f.kl for f in found]))
    assert 0.90 <= held([f.interval for f in found], expected) <= 0.99


def test_of_label_accuracy_and_authenticity_over_draws_of_samples() -> None:
    numbers = np.random.default_rng(4)
    train, test = numbers.normal(size=(2, 400, 6))
    training = TrainingImages(train, test)

    def draw(count: int) -> np.ndarray:
        near = train[numbers.integers(len(train), size=count)]
        return near + 0.5 * numbers.normal(size=near.shape)

    truth = training.compare(draw(20_000)).authenticity
    shares = [training.compare(draw(250)).authenticity for _ in range(200)]
    assert 0.1 < truth < 0.9
    assert 0.90 <= held([binomial(round(250 * share), 250) for share in shares], truth) <= 0.99

    logits = numbers.normal(size=(200, 500, 4)) + 1.5 * np.eye(4)[0]
    right = [
        classes(one, np.arange(4), np.zeros(500, np.int64)).label_accuracy or 0.0 for one in logits
    ]
    truth = float(np.mean((numbers.normal(size=(200_000, 4)) + 1.5 * np.eye(4)[0]).argmax(1) == 0))
    assert 0.90 <= held([binomial(round(500 * share), 500) for share in right], truth) <= 0.99


@pytest.mark.slow
def test_of_the_unlimited_distance_over_draws_of_samples_and_test_images() -> None:
    # N(0, I) against N(shift, scale²·I): FD∞ = d·shift² + d·(scale − 1)²
    numbers = np.random.default_rng(5)
    d, n, shift, scale = 4, 600, 0.2, 1.1
    truth = d * shift**2 + d * (scale - 1) ** 2
    lines = [
        extrapolate(
            shift + scale * numbers.normal(size=(n, d)), numbers.normal(size=(n, d)), numbers
        )
        for _ in range(100)
    ]
    intervals = [student(line.intercept, line.error or 0.0, len(line.sizes) - 1) for line in lines]
    assert 0.90 <= held(intervals, truth) <= 0.99


def test_of_the_accuracy_score_over_seeds() -> None:
    numbers = np.random.default_rng(6)
    scores = [
        AccuracyScore(tuple(0.97 + 0.002 * ours), tuple(0.99 + 0.001 * real))
        for ours, real in numbers.normal(size=(600, 2, 3))
    ]
    assert 0.90 <= held([score.interval for score in scores], 0.97 / 0.99) <= 0.99
