"""Keys with dots name nested values, and come apart as they were put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganflow.base.dotted import dotted, parts_of, value_at

VALUES = {"gate": {"limits": {"fd.ratio": {"most": 2.0}}}, "sides": [24, 40], "none": None}


@given(st.lists(st.text("ab.[]_ 1", min_size=1), min_size=1))
def test_a_path_is_read_back_from_its_key(path: list[str]) -> None:
    assert parts_of(dotted(path)) == tuple(path)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("gate", "limits", "fd.ratio", "most"), 'gate.limits."fd.ratio".most', 2.0),
        (("sides", 1), "sides[1]", 40),
        (("none",), "none", None),
        ((), "", VALUES),
    ],
)
def test_a_value_is_found_at_its_path(path: tuple[str | int, ...], key: str, value: object) -> None:
    assert dotted(path) == key
    assert value_at(VALUES, path, "absent") == value


@pytest.mark.parametrize(
    "path", [("gate", "limit"), ("sides", 2), ("sides", "1"), ("none", "x"), ("gate", 0)]
)
def test_what_is_not_there_is_absent(path: tuple[str | int, ...]) -> None:
    assert value_at(VALUES, path) is None
    assert value_at(VALUES, path, "absent") == "absent"
