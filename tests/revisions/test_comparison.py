"""Verdicts: right as often as they claim, and silent when noise could have done it."""

import numpy as np
import pytest
from scipy import stats

from ganflow.errors import GanflowError
from ganflow.evaluation.intervals import binomial
from ganflow.revisions.comparison import (
    across_seeds,
    difference,
    paired,
    paired_bootstrap,
    t_interval,
)


def test_intervals_agree_with_scipy() -> None:
    numbers = np.random.default_rng(0)
    a, b = numbers.normal(size=7), numbers.normal(1, 3, size=5)
    mean = stats.ttest_1samp(a, 0).confidence_interval(0.95)
    found = t_interval(a.tolist())
    assert (found.low, found.high) == pytest.approx((mean.low, mean.high), rel=1e-9)
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
        across_seeds(*numbers.normal(5, 1, (2, seeds)).tolist(), "lower").verdict
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
    assert across_seeds(base.tolist(), candidate.tolist(), "lower").verdict == "cannot tell"
    assert paired(base.tolist(), candidate.tolist(), "lower").verdict == "better"
    assert paired(base.tolist(), candidate.tolist(), "higher").verdict == "worse"


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
    assert difference((low + high) / 2, low, high, direction).verdict == said  # type: ignore[arg-type]


def test_bootstrap_tells_models_apart_and_equals_not() -> None:
    numbers = np.random.default_rng(4)

    def gap(rows: np.ndarray, test: np.ndarray) -> float:
        return float(np.sum((rows.mean(0) - test.mean(0)) ** 2))

    def verdict(shift: float) -> str:
        base, candidate, test = (numbers.normal(size=(300, 3)) for _ in range(3))
        return paired_bootstrap(
            base + 0.5, candidate + shift, test, gap, "lower", resamples=100, numbers=numbers
        ).verdict

    equal = [verdict(0.5) for _ in range(60)]
    assert np.mean([v == "cannot tell" for v in equal]) >= 0.85
    assert [verdict(0.1) for _ in range(10)] == ["better"] * 10


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_what_has_no_spread_is_refused(values: list[float]) -> None:
    with pytest.raises(GanflowError):
        t_interval(values)


def test_seeds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(GanflowError, match="2 and 3"):
        paired([1, 2], [1, 2, 3], "lower")
