"""An error says what was wrong, where, what would be right and what to run, and no more."""

import pytest

from ganflow.base.errors import DataError, GanflowError, HeldError, ParameterError, TrainingError


def test_an_error_is_a_line_for_each_thing_it_knows() -> None:
    error = GanflowError("a value", where="a file", expected="another", run="a command")
    assert str(error).splitlines() == [
        "a value",
        "  where:    a file",
        "  expected: another",
        "  run next: a command",
    ]
    assert str(GanflowError("a value", run="a command")) == "a value\n  run next: a command"
    assert str(GanflowError("a value")) == "a value"


@pytest.mark.parametrize(
    ("kind", "status"), [(DataError, 1), (TrainingError, 1), (ParameterError, 2), (HeldError, 75)]
)
def test_every_kind_is_a_ganflow_error_with_an_exit_status(
    kind: type[GanflowError], status: int
) -> None:
    with pytest.raises(GanflowError, match=r"^wrong$") as raised:
        raise kind("wrong")
    assert raised.value.status == status
