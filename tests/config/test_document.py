"""params.yaml is read as DVC reads it, and changed without touching anything else."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.config.document import InPlaceError, line_of, parse, with_value, written

COMMITTED = (Path(__file__).parents[2] / "params.yaml").read_text()


@pytest.mark.parametrize(
    "value",
    [
        *("1e-3", "1E-3", "1e5", "+1.5e+3", "1e400", ".5", "1.", "-.5e3", "0.10", ".nan", "-.inf"),
        *("1_000", "010", "0o10", "0x1f", "12:30", "2024-01-01"),
        *("yes", "on", "no", "true", "null", "~", "'quoted'"),
    ],
)
def test_values_are_read_as_dvc_reads_them(value: str) -> None:
    from dvc.utils.serialize import parse_yaml

    mine, its = parse(f"key: {value}")["key"], parse_yaml(f"key: {value}", "params.yaml")["key"]
    assert type(mine) is type(its)
    assert mine == its or (math.isnan(mine) and math.isnan(its))


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse(f"key: {written(value)}\n") == {"key": value}


PATHS = [
    "seed",
    "runtime.threads",
    "data.source",
    "extractor.learning_rate",
    "train.penalties",
    "train.penalties.r1.weight",
    "train.penalties.r2",
    "train.generator.beta_1",
    "train.new",
    "new",
    "new.section.key",
    "gate.margin",
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@settings(deadline=None, max_examples=25)
@given(path=st.sampled_from(PATHS), value=values)
def test_only_the_changed_value_changes(path: str, value: Any, newline: str) -> None:
    """Line by line: all but one line stay, and the values are those that were asked for."""
    before = COMMITTED.replace("\n", newline)
    after = with_value(before, path.split("."), value)
    kept = [line for line in after.split("\n") if line in set(before.split("\n"))]
    lost = [line for line in before.split("\n") if line not in set(after.split("\n"))]
    assert kept == [line for line in before.split("\n") if line not in lost]
    assert len(lost) <= 1
    wanted = parse(before)
    place = wanted
    *sections, name = path.split(".")
    for section in sections:
        place = place.setdefault(section, {})
    place[name] = value
    assert parse(after) == wanted


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("a: 1    # why\n", "a", 200, "a: 200  # why\n"),
        ("a: 200  # why\n", "a", 1, "a: 1    # why\n"),
        ("a: 1 # why\n", "a", 2000, "a: 2000 # why\n"),
        ("a: '#'  # why\n", "a", "b", "a: b    # why\n"),
        ("a: {b: 1, c: 2}  # d\n", "a.c", 3, "a: {b: 1, c: 3}  # d\n"),
        ("a: {b: 1}\n", "a.c", 3, "a: {b: 1, c: 3}\n"),
        ("a: {}\n", "a.c.d", 3, "a: {c: {d: 3}}\n"),
        ("a:\n    b: 1\n\n# next\nc: 2\n", "a.d", 3, "a:\n    b: 1\n    d: 3\n\n# next\nc: 2\n"),
        (
            "a:\n  b:\n    c: 1  # w\n  # x\nd: 2\n",
            "a.b",
            {},
            "a:\n  b:\n    {}    # w\n  # x\nd: 2\n",
        ),
        ("a:\nb: 1\n", "a.c", 2, "a: {c: 2}\nb: 1\n"),
        ("a: null\n", "a.c", 2, "a: {c: 2}\n"),
        ("a: 1", "b", 2, "a: 1\nb: 2\n"),
        ("# nothing yet\n", "a.b", 2, "# nothing yet\na:\n  b: 2\n"),
        ("", "a", 2, "a: 2\n"),
        ("- skipped", "a", 2, None),
        ("a: &x {c: 1}\nb: *x\n", "b.c", 2, None),
        ("a: &x 1\nb: *x\n", "b", 2, None),
    ],
)
def test_forms_of_documents(text: str, path: str, value: Any, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(InPlaceError):
            with_value(text, path.split("."), value)
    else:
        assert with_value(text, path.split("."), value) == expected


def test_lines_are_counted_from_one() -> None:
    text = "a: 1\n\nb:\n  c: {d: 1}\n"
    assert line_of(text, ("a",)) == 1
    assert line_of(text, ("b", "c")) == 4
    assert line_of(text, ("b", "missing")) == 3
    assert line_of(text, ("missing",)) is None
