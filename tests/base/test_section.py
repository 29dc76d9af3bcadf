"""What every section of params.yaml refuses."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from ganflow.base.section import Section


class Example(Section):
    count: int = 1
    """How many."""

    share: float = 0.5


@pytest.mark.parametrize(
    "values",
    [{"cuont": 2}, {"count": "2"}, {"count": 2.0}, {"count": True}, {"share": math.nan}],
    ids=["unknown key", "text", "float", "bool", "no number"],
)
def test_what_is_no_value_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate(values)


def test_a_whole_number_may_stand_for_a_float() -> None:
    assert Example.model_validate({"share": 1}).share == 1.0


def test_a_section_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Example().count = 2  # type: ignore[misc]


def test_the_docstring_of_a_field_is_its_description() -> None:
    fields = Example.model_json_schema()["properties"]
    assert fields["count"]["description"] == "How many."
    assert "description" not in fields["share"]
