"""The space of a search: the values that each parameter may have, checked before any training."""

import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from ganflow.base.dotted import parts_of
from ganflow.base.errors import ParameterError
from ganflow.base.section import Section
from ganflow.config import params as parameters
from ganflow.config.params import PARAMS_FILE, Params
from ganflow.config.schema import SchemaNode


class Range(Section):
    """The numbers between two ends, which belong to it."""

    low: float
    high: float
    log: bool = False
    """Whether small numbers are as likely as large ones, by their logarithms."""

    step: float | None = None
    """Between the numbers; without it there are all."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low is not below high")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("log needs a low above 0, and no step")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError("step is not between 0 and high - low")
        return self


Space = dict[str, list[Any] | Range]
"""Choices, or a range, for each dotted key of params.yaml."""


def read_space(values: Mapping[str, Any]) -> Space:
    """The space in the JSON values of a flow's parameter.

    Raises:
        ParameterError: nothing is in it, or something that is no list and no range.
    """
    if not values:
        raise ParameterError("an empty space", where="space", expected=EXAMPLE)
    return {key: _read_dimension(key, value) for key, value in values.items()}


EXAMPLE = (
    '{"train.batch": [32, 64], '
    '"train.generator.learning_rate": {"low": 0.0005, "high": 0.008, "log": true}}'
)


def _read_dimension(key: str, value: Any) -> list[Any] | Range:
    if isinstance(value, list) and value:
        return value
    why = "neither a list of choices nor a range"
    if isinstance(value, Mapping):
        try:
            return Range.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            said = first["msg"].removeprefix("Value error, ")
            why = f"no range: {' '.join(map(str, [*first['loc'], said]))}"
    raise ParameterError(f"{key}: {value!r} is {why}", where="space", expected=EXAMPLE)


def is_whole(key: str) -> bool:
    """Whether the numbers that a parameter may have are whole ones."""
    schema = Params.model_json_schema()
    node = SchemaNode(schema, schema).at(parts_of(key))
    types = {own.get("type") for own in node.types} if node else set()
    return "integer" in types and "number" not in types


def check_space(space: Space, params_file: bytes) -> None:
    """Check that every choice, and both ends of every range, may be set by itself.

    Args:
        params_file: the content of the params.yaml that the trials change.

    Raises:
        ParameterError: a parameter that does not exist, may not be set, or may not have a value.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, PARAMS_FILE)
        for key, dimension in space.items():
            for value in _values_to_check(key, dimension):
                draft.write_bytes(params_file)
                try:
                    parameters.edit({key: value}, draft)
                except ParameterError as error:
                    error.where, error.run = f"space, {key}", "ganflow params " + key
                    raise


def _values_to_check(key: str, dimension: list[Any] | Range) -> Iterator[Any]:
    if isinstance(dimension, list):
        yield from dimension
        return
    for end in (dimension.low, dimension.high):
        yield int(end) if is_whole(key) and end.is_integer() else end


def number_of_points(space: Space) -> float:
    """How many points a space of choices alone has; infinite with a range."""
    sizes = (len(one) if isinstance(one, list) else math.inf for one in space.values())
    return math.prod(sizes)
