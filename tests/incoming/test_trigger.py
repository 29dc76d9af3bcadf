"""What starts a retraining: checked, in words, and never more often than its budget allows."""

from typing import Any

import numpy as np
import pytest

from ganflow.base.errors import ParameterError
from ganflow.incoming.drift import Drift, Levels
from ganflow.incoming.permutation import PermutationTest
from ganflow.incoming.trigger import MOST_LEVEL, YEAR, Trigger, check_trigger

DAY = 86400.0


def test_without_a_trigger_files_are_counted() -> None:
    assert check_trigger(None, 100) == Trigger(images=100)
    assert check_trigger({"drift": True}, 100).images is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "nothing would ever start a retraining: give at least one of images, drift"),
        ({"drift": False}, "nothing would ever start a retraining"),
        ({"drift": "yes"}, 'drift: "yes" is not allowed. Allowed: a number above 0 and at most 1'),
        ({"drift": 2.0}, "drift: 2.0 is not allowed"),
        ({"imags": 3}, "imags: unknown parameter (its value: 3). Did you mean images?"),
        ({"age": "30"}, 'age: "30" is not allowed. Allowed: a time such as "30 days"'),
        ({"images": 0}, "images: 0 is not allowed. Allowed: a whole number of at least 1"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        check_trigger(values, 1)
    assert said in str(caught.value)
    assert "the parameter `trigger` of the flow `watch`" in str(caught.value)


def test_a_count_and_an_age_start_a_retraining_where_there_is_a_new_file() -> None:
    trigger = Trigger(images=100, age="2 weeks")
    assert trigger.by_count(99, 13 * DAY, 100) == []
    assert trigger.by_count(100, DAY, 100) == ["images: 100 new files of 100"]
    assert trigger.by_count(1, 15 * DAY, 100) == [
        "age: 15.0 days since the last retraining, of 2 weeks"
    ]
    assert trigger.by_count(0, 99 * DAY, 100) == []
    assert Trigger(age="36 hours").by_count(1, 1.6 * DAY, None)


def test_what_a_look_found_starts_one_only_where_it_was_asked_for() -> None:
    found = PermutationTest(0.5, 0.1, 1e-5, 1e-4)
    quiet = PermutationTest(0.05, 0.1, 0.3, 1e-4)
    drift = Drift(100, 99, 0.01, 0.0, {"owl": 3}, found, quiet, found, "class cat is 90 %")
    every = Trigger(drift=True, class_share=True, new_class=True).by_look(drift)
    assert [cause.partition(":")[0] for cause in every] == ["drift", "class_share", "new_class"]
    assert "kernel distance 0.5, 95 of 100 random divisions are below 0.1; p = 1e-05" in every[0]
    assert every[2] == "new_class: owl (3)"
    assert Trigger(new_class=4).by_look(drift) == []
    assert Trigger(new_class=3).by_look(drift) == ["new_class: owl (3)"]
    assert Trigger(class_share=True).by_look(drift)[0].startswith("class_share: class cat is 90 %")


def test_the_levels_of_a_year_are_its_budget_however_it_is_divided() -> None:
    numbers = np.random.default_rng(0)
    for most in (600, DAY, 20 * DAY):
        gaps = numbers.uniform(most / 2, most, int(3 * YEAR / most))
        gaps = gaps[np.cumsum(gaps) <= YEAR]
        levels = [Trigger(drift=True, class_share=0.3).levels(gap) for gap in gaps]
        assert 0.45 < sum(level.drift for level in levels) <= 0.5
        assert 0.27 < sum(level.class_share for level in levels) <= 0.3
    assert Trigger(drift=1.0).levels(10 * YEAR).drift == MOST_LEVEL


def test_a_level_too_small_to_show_accrues_until_every_test_has_enough() -> None:
    slow = Trigger(drift=0.01, class_share=True)
    assert slow.levels(600) == Levels()
    assert slow.levels(2 * 3600).drift == pytest.approx(0.01 * 7200 / YEAR)
    assert Trigger(class_share=True).levels(600).drift == 0
    assert Trigger(drift=True).levels(-5) == Levels()
