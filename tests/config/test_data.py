"""The `data` section: names below data/raw only, and choices that can be met together."""

import pytest
from pydantic import ValidationError

from ganflow.config.data import DataParams


@pytest.mark.parametrize(
    "source", ["../mnist", "/etc", "a/b", ".hidden", "", "a b", "x" * 101, "a\n", "-x", "é"]
)
def test_a_source_is_a_plain_name(source: str) -> None:
    with pytest.raises(ValidationError, match="source"):
        DataParams(source=source)


@pytest.mark.parametrize("source", ["mnist", "faces.zip", "set_2-b.tar.gz", "0"])
def test_honest_names_are_taken(source: str) -> None:
    assert DataParams(source=source).source == source


def test_one_side_is_both() -> None:
    assert DataParams(resolution=32).height_and_width == (32, 32)
    assert DataParams(resolution=[24, 40]).height_and_width == (24, 40)


@pytest.mark.parametrize(
    "wrong",
    [
        {"stacked": 1000, "mode": "RGB"},
        {"classes": []},
        {"classes": ["3", 3]},
        {"resolution": 7},
        {"resolution": 129},
        {"resolution": "large"},
        {"resolution": "24x40"},
        {"resolution": [24]},
        {"resolution": [24, 129]},
        {"resolution": [24, 40, 3]},
        {"validation_share": 0.0},
        {"test_share": 0.5},
        {"max_rejected": 0.6},
        {"limit": 0},
        {"near_distance": 17},
        {"background": 256},
        {"fit": "squeeze"},
        {"balance": 1},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DataParams.model_validate(wrong)


def test_the_message_about_an_exclusion_says_both_ways_out() -> None:
    with pytest.raises(ValidationError, match=r"mode: L.*stacked: 0"):
        DataParams(stacked=1000, mode="RGB")


def test_every_parameter_is_documented_in_one_line() -> None:
    for name, field in DataParams.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description, name
