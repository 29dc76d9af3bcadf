"""params.yaml is read as DVC reads it, and changed without touching anything else."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.base.errors import ParameterError
from ganflow.config.document import InPlaceError, line_of, parse, with_value, written
from ganflow.config.params import edit, load

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


def test_an_edit_keeps_the_rest_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(COMMITTED)
    params = edit({"train.images": 64_000, "seed": 7, "runtime.threads": 2}, path)
    assert (params.train.images, params.seed, params.runtime.threads) == (64_000, 7, 2)
    assert load(path) == params
    before, after = COMMITTED.splitlines(), path.read_text().splitlines()
    changed = [b.split()[0] for b, a in zip(before, after, strict=True) if b != a]
    assert changed == ["seed:", "threads:", "images:"]
    columns = [
        [line.index("#") for line in lines if "how many real images" in line]
        for lines in (before, after)
    ]
    assert columns[0] == columns[1] != []


def test_an_edit_writes_nothing_when_a_value_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(COMMITTED)
    stamp = path.stat().st_mtime_ns
    for changes in (
        {"seed": 7, "train.batch": 1},
        {"seed": 7, "train.bacth": 64},
        {"seed.deeper": 1},
        {"no.such.section": 1},
    ):
        with pytest.raises(ParameterError, match="Allowed"):
            edit(changes, path)
        assert path.read_text() == COMMITTED
    edit({"seed": 0, "train.batch": 64}, path)
    assert path.stat().st_mtime_ns == stamp, "written although nothing changed"


def test_an_edit_says_when_the_form_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = "train:\n  generator: &adam {beta_1: 0.5}\n  discriminator: *adam\n"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"train\.discriminator\.beta_1") as raised:
        edit({"train.discriminator.beta_1": 0.0}, path)
    assert raised.value.where == f"{path}, line 3"
    assert path.read_text() == text


def test_a_key_with_dots_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text('gate:\n  limits: {"fd.ratio": {most: 10.0}}  # bound\n')
    params = edit({'gate.limits."fd.ratio".most': 5.0}, path)
    assert params.gate.limits["fd.ratio"].most == 5.0
    assert path.read_text() == 'gate:\n  limits: {"fd.ratio": {most: 5.0}}  # bound\n'
