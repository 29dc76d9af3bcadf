"""What may stand where in params.yaml, and how to say it: read from the sections' JSON schema."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganflow.base.dotted import KeyPath
from ganflow.config.document import written

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class SchemaNode:
    """A node in the document: a section, a parameter, an entry of a list."""

    schema: Schema
    """Of this node."""

    root: Schema
    """Of the whole document, which holds what `schema` refers to."""

    def at(self, path: KeyPath) -> "SchemaNode | None":
        """What lies below this node; None where nothing may."""
        node: SchemaNode | None = self
        for part in path:
            node = node._inside(part) if node else None
        return node

    @property
    def types(self) -> list[Schema]:
        """The types that are allowed here, references resolved."""
        if "$ref" in self.schema:
            name = self.schema["$ref"].rsplit("/", 1)[-1]
            return SchemaNode(self.root["$defs"][name], self.root).types
        branches = self.schema.get("anyOf", [])
        return [own for branch in branches for own in SchemaNode(branch, self.root).types] or [
            self.schema
        ]

    @property
    def names(self) -> list[str]:
        """Of a section: the keys that it has."""
        return [name for own in self.types for name in own.get("properties", {})]

    @property
    def choices(self) -> list[str]:
        """The values that are allowed by name."""
        return [choice for own in self.types for choice in _choices(own)]

    @property
    def about(self) -> str:
        """The docstring of this parameter, on one line."""
        return " ".join(str(self.schema.get("description", "")).split())

    @property
    def example(self) -> str | None:
        """A name that occurs in a section of freely chosen ones."""
        return next(iter(self.schema.get("default", {})), None)

    def paths(self, above: KeyPath = ()) -> Iterator[KeyPath]:
        """Every key below this node."""
        for name in self.names:
            yield (*above, name)
            inner = self.at((name,))
            if inner:
                yield from inner.paths((*above, name))

    def in_words(self) -> str:
        """What is allowed here; what takes longest to say comes last."""
        words = [self._described(own) for own in self.types if not _choices(own)]
        if self.choices:
            *others, last = self.choices
            by_name = f"{', '.join(others)} or {last}" if others else last
            long = any(own.get("type") in ("object", "array") for own in self.types)
            words.insert(0 if long else len(words), by_name)
        return ", or ".join(dict.fromkeys(words))

    def _described(self, own: Schema) -> str:
        """A type that is no choice between names."""
        if "in_words" in own:
            return str(own["in_words"])
        match own.get("type"):
            case "integer":
                return "a whole number" + _range(own)
            case "number":
                return "a number" + _range(own)
            case "array":
                entry = SchemaNode(own["items"], self.root).in_words()
                return f"a list{_length(own)}, with each entry {entry}"
            case "object" if self.names:
                return f"a section with {', '.join(self.names)}"
            case "object":
                return "a section of named values"
        if "minLength" in own and "maxLength" in own:
            return f"text of {own['minLength']} to {own['maxLength']} characters"
        return f"text of the form {own['pattern']}" if "pattern" in own else "text"

    def _inside(self, part: str | int) -> "SchemaNode | None":
        for own in self.types:
            inner = own.get("items") if isinstance(part, int) else _field(own, part)
            if inner is not None:
                return SchemaNode(inner, self.root)
        return None


def _length(own: Schema) -> str:
    least, most = own.get("minItems"), own.get("maxItems")
    if least is None:
        return ""
    return f" of {least}" if least == most else f" of {least} or more"


def _field(own: Schema, name: str) -> Schema | None:
    named: Schema = own.get("properties", {})
    freely: Schema = own.get("patternProperties", {})
    return named[name] if name in named else next(iter(freely.values()), None)


def _choices(own: Schema) -> Sequence[str]:
    of_type = {"boolean": [True, False], "null": [None]}.get(own.get("type", ""), [])
    values = own.get("enum", [own["const"]] if "const" in own else of_type)
    return [written(value) for value in values]


def _range(own: Schema) -> str:
    bounds = dict(own)
    if own["type"] == "integer":
        if "exclusiveMinimum" in own:
            bounds["minimum"] = bounds.pop("exclusiveMinimum") + 1
        if "exclusiveMaximum" in own:
            bounds["maximum"] = bounds.pop("exclusiveMaximum") - 1
    if "minimum" in bounds and "maximum" in bounds:
        return f" from {_figure(bounds['minimum'])} to {_figure(bounds['maximum'])}"
    ends = {
        "exclusiveMinimum": "above",
        "minimum": "of at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
    }
    stated = [f"{word} {_figure(bounds[end])}" for end, word in ends.items() if end in bounds]
    return "".join([" ", " and ".join(stated)]) if stated else ""


def _figure(number: float) -> str:
    return f"{number:.15g}" if isinstance(number, float) else str(number)
