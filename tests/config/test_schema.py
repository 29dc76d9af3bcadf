"""What may stand where, in words, read from a JSON schema."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from ganflow.base.section import Section
from ganflow.config.schema import SchemaNode


class Inner(Section):
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How much
    of it."""


class Example(Section):
    """One field of every type that params.yaml has."""

    count: Annotated[int, Field(gt=0, lt=9)] = 1
    least: Annotated[float, Field(ge=2)] = 2.0
    name: Annotated[str, Field(pattern="^a+$")] = "a"
    title: Annotated[str, Field(min_length=1, max_length=9)] = "a"
    kind: Literal["one", "two", "three"] = "one"
    only: Literal["auto"] = "auto"
    switch: bool | None = None
    pair: Annotated[list[int], Field(min_length=2, max_length=2)] | Literal["auto"] = "auto"
    inner: Inner = Inner()
    named: dict[Annotated[str, Field(pattern="^[a-z]+$")], Inner] = Field(default={"a": Inner()})


SCHEMA = Example.model_json_schema()
NODE = SchemaNode(SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("count",), "a whole number from 1 to 8"),
        (("least",), "a number of at least 2"),
        (("name",), "text of the form ^a+$"),
        (("title",), "text of 1 to 9 characters"),
        (("kind",), "one, two or three"),
        (("only",), "auto"),
        (("switch",), "true, false or null"),
        (("pair",), "auto, or a list of 2, with each entry a whole number"),
        (("pair", 1), "a whole number"),
        (("inner",), "a section with share"),
        (("inner", "share"), "a number above 0 and at most 1"),
        (("named",), "a section of named values"),
        (("named", "b", "share"), "a number above 0 and at most 1"),
    ],
)
def test_every_type_has_words(path: tuple[str | int, ...], words: str) -> None:
    node = NODE.at(path)
    assert node is not None
    assert node.in_words() == words


def test_what_is_not_there_has_no_node() -> None:
    assert NODE.at(("inner", "shar")) is None
    assert NODE.at(("count", "more")) is None
    assert NODE.at(("nothing", "below", 0)) is None


def test_every_key_is_listed_once_with_those_inside() -> None:
    paths = list(NODE.paths())
    assert len(paths) == len(set(paths)) == len(Example.model_fields) + 1
    assert ("inner", "share") in paths


def test_a_docstring_is_one_line_and_an_example_is_a_name() -> None:
    share, named = NODE.at(("inner", "share")), NODE.at(("named",))
    assert share is not None
    assert named is not None
    assert (share.about, named.example) == ("How much of it.", "a")
