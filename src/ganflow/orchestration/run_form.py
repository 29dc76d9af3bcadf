"""The forms in which Prefect's page asks for parameters: typed, from the models themselves.

Prefect makes the form from a JSON schema, and checks a new run against it. The flow then checks the
same values as `ganflow params` does, with its messages.
"""

from collections.abc import Iterator, Mapping
from inspect import isclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from ganflow.base.dotted import dotted
from ganflow.base.section import Section
from ganflow.config.params import Params
from ganflow.incoming.trigger import Trigger
from ganflow.orchestration.search_space import Range


def overrides_schema() -> dict[str, Any]:
    """The JSON schema of changes to params.yaml: each key as it may be set, and none required.

    Keys with dots, as in {"train.images": 200000}, are allowed besides the sections.
    """
    return {**form_of(Params), "additionalProperties": True}


def form_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of some of a model's fields."""
    schema = model.model_json_schema()
    form: dict[str, Any] = _to_fill_in(schema, schema.get("$defs", {}))
    return form


def changes_in(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides by dotted key: those in sections, and those that have such keys already."""
    return dict(_changes(overrides, Params))


def _to_fill_in(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with its references resolved, without defaults: what is not filled in stays."""
    if isinstance(schema, list):
        return [_to_fill_in(entry, definitions) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        named = definitions[reference.rpartition("/")[2]]
        schema = {**named, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {
        key: {name: _to_fill_in(each, definitions) for name, each in value.items()}
        if key == "properties"
        else _to_fill_in(value, definitions)
        for key, value in schema.items()
        if key not in ("$defs", "default", "in_words")
    }


def _changes(
    values: Mapping[str, Any], section: type[BaseModel], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        field = section.model_fields.get(name)
        inner = field.annotation if field else None
        if isinstance(value, Mapping) and isclass(inner) and issubclass(inner, Section):
            yield from _changes(value, inner, (*above, name))
        else:
            yield dotted((*above, name)) if above else name, value


Overrides = Annotated[dict[str, Any], WithJsonSchema(overrides_schema())]
"""Changes to params.yaml: nested as the file is, or with dotted keys."""

NO_OVERRIDES: dict[str, Any] = {}

DIMENSION = {"anyOf": [{"type": "array", "items": {}, "minItems": 1}, form_of(Range)]}

SpaceValues = Annotated[
    dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": DIMENSION})
]
"""The space of a search: a list of choices, or a range, for each dotted key of params.yaml."""

TriggerValues = Annotated[dict[str, Any], WithJsonSchema(form_of(Trigger))]
"""What starts a retraining: the fields of `ganflow.incoming.trigger.Trigger`."""

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
