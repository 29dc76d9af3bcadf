"""The replay of both searches, on curves of which the result is known."""

import itertools

import numpy as np
import pytest

from benchmarks import search as benchmark
from benchmarks.search import SPACE, STEPS, Point, compare, random_search, share


def recorded(honest: bool) -> list[Point]:
    """Trainings that end at different values; whose snapshots tell which, or do not."""
    values = np.random.default_rng(0).permutation(30).tolist()
    points = []
    for value, choices in zip(values, itertools.product(*SPACE.values()), strict=True):
        told = value if honest else -value
        snapshots = [told + 100 / number for number in range(1, STEPS + 1)]
        changes = dict(zip(SPACE, choices, strict=True))
        points.append({"changes": changes, "snapshots": snapshots, "value": float(value)})
    return points


def test_images_are_saved_where_snapshots_tell_which_training_is_better() -> None:
    honest = compare(recorded(honest=True), repeats=10)
    misled = compare(recorded(honest=False), repeats=10)
    assert 0.1 < honest["share_of_images_at_15"] <= 0.5
    low, high = honest["interval_at_15"]
    assert low <= honest["share_of_images_at_15"] <= high
    assert misled["share_of_images_at_15"] > 1


def test_the_best_of_random_trainings_is_what_their_order_gives() -> None:
    """The mean of the least of n of 30 numbers 0 to 29 is 30 / (n + 1) − 1 + 1 / (n + 1)."""
    points = recorded(honest=True)
    drawn = np.array([random_search(points, seed) for seed in range(2000)])
    for count in (1, 5, 15, 30):
        expected = 31 / (count + 1) - 1
        assert drawn[:, count * STEPS].mean() == pytest.approx(expected, abs=0.5 / np.sqrt(count))
    assert np.isinf(drawn[:, STEPS - 1]).all(), "nothing is known before the first has ended"
    assert share(drawn, drawn, 10) == pytest.approx(1.0, abs=0.11)


def test_a_training_that_was_stopped_is_no_result() -> None:
    points = recorded(honest=True)
    for point in points[::2]:
        point |= {"snapshots": [], "value": None}
    found = benchmark.search(points, seed=0)
    assert np.nanmin(found) >= min(point["value"] for point in points[1::2])
