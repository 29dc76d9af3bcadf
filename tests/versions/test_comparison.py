"""Verdicts: right as often as they claim, and silent when noise could have done it."""

import numpy as np
import pytest
from scipy import stats

from ganflow.base.errors import GanflowError
from ganflow.metrics.frechet import bootstrap, distance, frechet_distance, moments
from ganflow.metrics.intervals import basic_bootstrap, binomial
from ganflow.versions.comparison import (
    across_seeds,
    difference,
    paired_bootstrap,
    paired_interval,
    t_interval,
)
from ganflow.versions.gate import Measured, difference_interval


def test_intervals_agree_with_scipy() -> None:
    numbers = np.random.default_rng(0)
    a, b = numbers.normal(size=7), numbers.normal(1, 3, size=5)
    mean = stats.ttest_1samp(a, 0).confidence_interval(0.95)
    assert t_interval(a.tolist()) == pytest.approx((mean.low, mean.high), rel=1e-9)
    welch = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    compared = across_seeds(a.tolist(), b.tolist(), "lower")
    assert (compared.low, compared.high) == pytest.approx((welch.low, welch.high), rel=1e-9)
    share = stats.binomtest(37, 90).proportion_ci(0.95, method="wilson")
    wilson = binomial(37, 90)
    assert (wilson.low, wilson.high) == pytest.approx((share.low, share.high), rel=1e-9)


@pytest.mark.parametrize("seeds", [3, 8])
def test_equal_recipes_are_told_apart_one_time_in_twenty(seeds: int) -> None:
    numbers = np.random.default_rng(1)
    verdicts = [
        across_seeds(*numbers.normal(5, 1, (2, seeds)).tolist(), "lower").answer
        for _ in range(1500)
    ]
    told = np.mean([verdict != "cannot tell" for verdict in verdicts])
    assert 0.01 <= told <= 0.10


def test_a_binomial_interval_holds_the_truth() -> None:
    numbers = np.random.default_rng(2)
    for share in (0.5, 0.93):
        found = [binomial(int(right), 400) for right in numbers.binomial(400, share, 2000)]
        assert 0.90 <= np.mean([f.low <= share <= f.high for f in found]) <= 0.99


def test_pairs_see_what_is_hidden_between_seeds() -> None:
    luck = np.random.default_rng(3).normal(0, 3, size=6)
    base, candidate = 10 + luck, 9 + luck + 0.1 * np.arange(6)
    assert across_seeds(base.tolist(), candidate.tolist(), "lower").answer == "cannot tell"
    low, high = paired_interval(base.tolist(), candidate.tolist())
    assert low < high < 0


@pytest.mark.parametrize(
    ("low", "high", "direction", "said"),
    [
        (0.1, 2, "lower", "worse"),
        (0.1, 2, "higher", "better"),
        (-2, -0.1, "lower", "better"),
        (-2, -0.1, "higher", "worse"),
        (-1, 1, "lower", "cannot tell"),
        (0.0, 1, "lower", "cannot tell"),
    ],
)
def test_an_interval_that_holds_zero_says_nothing(
    low: float, high: float, direction: str, said: str
) -> None:
    assert difference((low + high) / 2, low, high, direction).answer == said  # type: ignore[arg-type]


def test_bootstrap_tells_models_apart_and_equals_not() -> None:
    numbers = np.random.default_rng(4)

    def gap(rows: np.ndarray, test: np.ndarray) -> float:
        return float(np.sum((rows.mean(0) - test.mean(0)) ** 2))

    def verdict(shift: float) -> str:
        base, candidate, test = (numbers.normal(size=(300, 3)) for _ in range(3))
        return paired_bootstrap(
            base + 0.5, candidate + shift, test, gap, "lower", resamples=100, rng=numbers
        ).answer

    equal = [verdict(0.5) for _ in range(60)]
    assert np.mean([v == "cannot tell" for v in equal]) >= 0.85
    assert [verdict(0.1) for _ in range(10)] == ["better"] * 10


def test_the_paired_bootstrap_holds_the_true_difference() -> None:
    """Of two models' expected Fréchet distances, over draws of samples and of test images."""
    numbers = np.random.default_rng(5)
    n, d, base_scale, scale = 120, 4, 1.3, 1.15

    def draw() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        base, candidate, test = numbers.normal(size=(3, n, d))
        return base_scale * base, scale * candidate, test

    truth = np.mean(
        [
            frechet_distance(candidate, test) - frechet_distance(base, test)
            for base, candidate, test in (draw() for _ in range(1500))
        ]
    )
    found = [
        paired_bootstrap(*draw(), frechet_distance, "lower", resamples=50, rng=numbers)
        for _ in range(120)
    ]
    assert 0.90 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


def test_the_gates_interval_of_one_training_holds_the_true_difference() -> None:
    """Both models against one test split, each with its own bootstrap interval."""
    numbers = np.random.default_rng(6)
    n, d = 300, 5
    reference = moments(numbers.normal(size=(n, d)))

    def draw(scale: float) -> np.ndarray:
        return scale * numbers.normal(size=(n, d))

    def measure(scale: float) -> Measured:
        rows = draw(scale)
        value = distance(moments(rows), reference)
        found = basic_bootstrap(value, bootstrap(rows, reference, 100, numbers))
        return Measured({"fd": {"value": value, "low": found.low, "high": found.high}}, {})

    means = [
        np.mean([distance(moments(draw(scale)), reference) for _ in range(1500)])
        for scale in (1.3, 1.15)
    ]
    intervals = [difference_interval("fd.value", measure(1.3), measure(1.15)) for _ in range(150)]
    truth = means[1] - means[0]
    held = [low <= truth <= high for low, high in filter(None, intervals)]
    assert len(held) == 150
    assert 0.90 <= np.mean(held) <= 0.99


def test_intervals_over_seeds_hold_the_true_difference() -> None:
    numbers = np.random.default_rng(7)
    welch, by_pairs = [], []
    for luck in numbers.normal(0, 0.3, (600, 4)):
        base = 3.0 + luck + numbers.normal(0, 0.2, 4)
        candidate = 2.5 + luck + numbers.normal(0, 0.4, 4)
        by_pairs.append(paired_interval(base.tolist(), candidate.tolist()))
        other = 2.5 + numbers.normal(0, 0.5, 4)
        found = across_seeds(base.tolist(), other.tolist(), "lower")
        welch.append((found.low, found.high))
    for intervals in (welch, by_pairs):
        assert 0.90 <= np.mean([low <= -0.5 <= high for low, high in intervals]) <= 0.99


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_what_has_no_spread_is_refused(values: list[float]) -> None:
    with pytest.raises(GanflowError):
        t_interval(values)
