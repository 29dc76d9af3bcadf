"""The space of a search is checked value by value, as params.yaml is."""

import math
from typing import Any

import pytest

from ganflow.base.errors import ParameterError
from ganflow.orchestration.search_space import (
    Range,
    check_space,
    is_whole,
    number_of_points,
    read_space,
)

PARAMS = b"train: {objective: hinge, batch: 64}\n"
RATE = "train.generator.learning_rate"


def test_a_space_has_lists_and_ranges() -> None:
    space = read_space({"train.batch": [32, 64], RATE: {"low": 1e-4, "high": 1e-2, "log": True}})
    assert space == {"train.batch": [32, 64], RATE: Range(low=1e-4, high=1e-2, log=True)}
    check_space(space, PARAMS)
    assert number_of_points(space) == math.inf
    assert number_of_points(read_space({"train.batch": [32, 64], "model.latent": [10]})) == 2


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "an empty space"),
        ({"train.batch": 32}, "neither a list of choices nor a range"),
        ({"train.batch": []}, "neither a list of choices nor a range"),
        ({"train.batch": {"low": 2, "high": 1}}, "low is not below high"),
        ({"train.batch": {"low": 2, "high": math.inf}}, "no range: high"),
        ({"train.batch": {"low": 0, "high": 1, "log": True}}, "log needs a low above 0"),
        ({"train.batch": {"low": 0, "high": 1, "step": 2}}, "step is not between"),
        ({"train.batch": {"low": 1}}, "no range: high Field required"),
        ({"train.batch": {"low": 1, "high": 2, "lgo": True}}, "no range: lgo"),
    ],
)
def test_what_is_no_space_is_refused(space: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        read_space(space)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"train.btach": [32]}, "Did you mean batch"),
        ({"train.batch": [32, "many"]}, '"many" is not allowed'),
        ({"train.batch": {"low": 0, "high": 64}}, "0 is not allowed"),
        ({RATE: {"low": 1e-4, "high": 90}}, "90.0 is not allowed"),
        ({"train.objective": ["minimax", "a:b"]}, "cannot choose which code"),
    ],
)
def test_what_may_not_be_set_is_refused(space: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        check_space(read_space(space), PARAMS)
    assert str(caught.value.where).startswith("space, train.")


def test_numbers_are_whole_where_the_parameter_is() -> None:
    assert is_whole("train.batch")
    assert not is_whole(RATE)
    assert not is_whole("train.penalties.r1.weight"), "a number, or auto"
    assert not is_whole("train.objective")
