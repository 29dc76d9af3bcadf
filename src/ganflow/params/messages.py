"""What is wrong with a set of parameters, in sentences: the key, its value, what is allowed.

Pydantic finds the mistakes; what is allowed is read from the JSON schema of the sections, so
that a key of several types (`threads: 2`, `threads: auto`) gets one sentence for all of them.
"""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ganflow.params.document import parse, written

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mistake:
    """One wrong parameter: where it stands in the document, and a sentence about it."""

    path: Path
    sentence: str


def mistakes(error: ValidationError, values: Any, schema: Schema) -> list[Mistake]:
    """One mistake a key, in the order of the sections.

    Args:
        error: what pydantic found.
        values: what it was given.
        schema: of the whole document.
    """
    found: dict[Path, ErrorDetails] = {}
    for details in error.errors(include_url=False):
        found.setdefault(_path(details, values), details)
    # Where a list or a section is one of several types, its entries' mistakes say more.
    deepest = [p for p in found if not any(q[: len(p)] == p and q != p for q in found)]
    return [Mistake(path, _sentence(path, found[path], values, schema)) for path in deepest]


def explanation(path: Path, values: Any, schema: Schema) -> str:
    """What stands at `path`, what it means and what is allowed there; of a section, each key's.

    Raises:
        KeyError: with the sentence to say when there is no such parameter.
    """
    if not _schema_at(schema, path):
        raise KeyError(f"{dotted(path)}: unknown parameter. {_instead(path, schema)}")
    own = _schema_at(schema, path)
    inside = [(*path, name) for name in _names(own, schema)]
    if not inside:
        return "\n".join(_entry(path, values, schema))
    return "\n\n".join("\n".join(_entry(inner, values, schema)) for inner in inside)


def _entry(path: Path, values: Any, schema: Schema) -> Iterator[str]:
    own, value = _schema_at(schema, path), _at(values, path)
    inside = _names(own, schema)
    yield dotted(path) + ("" if inside and _is_map(value) else f": {written(value)}")
    if about := own.get("description"):
        yield from indent(fill(" ".join(about.split()), 96), "  ").splitlines()
    kind = "inside" if inside else "allowed"
    yield f"  {kind}: {', '.join(inside) if inside else _allowed(own, schema)}"


def dotted(path: Sequence[str | int]) -> str:
    """A path as one key; names that hold dots themselves are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (f'"{part}"' if "." in part else part)
    return text


def shown(value: Any) -> str:
    """A value as it may stand in the file, cut to a readable length."""
    text = str(value)  # of a date, which YAML knows and JSON does not
    with suppress(TypeError, ValueError):
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _path(details: ErrorDetails, values: Any) -> Path:
    """The error's place in the document: pydantic's also names the branches of a union."""
    path: list[str | int] = []
    place = values
    for part in details["loc"][: -1 if details["type"] == "invalid_key" else None]:
        inside = part in place if isinstance(place, Mapping) else False
        if isinstance(place, list) and isinstance(part, int):
            inside = part < len(place)
        if inside:
            path.append(part)
            place = place[part]
    if details["type"] in ("missing", "invalid_key"):
        path.append(str(details["loc"][-1]))
    return tuple(path)


def _sentence(path: Path, details: ErrorDetails, values: Any, schema: Schema) -> str:
    key, kind = dotted(path), details["type"]
    value = details["input"] if kind == "invalid_key" else _at(values, path)
    if kind in ("extra_forbidden", "invalid_key"):
        return f"{key}: unknown parameter (its value: {shown(value)}). {_instead(path, schema)}"
    if kind == "missing":
        return f"{key}: missing. Needed: {_allowed(_schema_at(schema, path), schema)}."
    if kind == "value_error":
        said = details["msg"].removeprefix("Value error, ")
        return f"{_agreeing(path, value, said)}: {said}" if path else said
    if details["loc"][-1] == "[key]":
        example = next(iter(_schema_at(schema, path[:-1]).get("default", {})), None)
        return f"{key}: not a name that is allowed here. Allowed: names such as {example}."
    own = _schema_at(schema, path)
    hint = _nearest(value, own, schema)
    return f"{key}: {shown(value)} is not allowed. Allowed: {_allowed(own, schema)}.{hint}"


def _agreeing(path: Path, value: Any, said: str) -> str:
    """A section with those of its values that a sentence on several of them speaks of."""
    named = {k: v for k, v in value.items() if f"`{k}" in said} if _is_map(value) else {}
    pairs = ", ".join(f"{k}: {shown(v)}" for k, v in named.items())
    return f"{dotted(path)} ({pairs})" if pairs else dotted(path)


def _instead(path: Path, schema: Schema) -> str:
    """What the unknown key at `path` was probably meant to be, and what is allowed there."""
    name, here = str(path[-1]), _names(_schema_at(schema, path[:-1]), schema)
    allowed = f"Allowed here: {', '.join(here)}."
    if near := _close(name, here):
        return f"Did you mean {near}? {allowed}"
    elsewhere = [dotted(found) for found in _paths(schema, schema) if found[-1] == name]
    return (f"Did you mean {' or '.join(elsewhere)}? " if elsewhere else "") + allowed


def _nearest(value: Any, own: Schema, schema: Schema) -> str:
    """What a value that is not allowed was probably meant to be."""
    branches = list(_branches(own, schema))
    types = {branch.get("type") for branch in branches}
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return f" Write {int(value)}." if abs(value) < 2**63 else ""
    if not isinstance(value, str):
        return ""
    if "boolean" in types and value.lower() in ("yes", "on", "no", "off"):
        return f" Write {'true' if value.lower() in ('yes', 'on') else 'false'}."
    bare = _number(value)
    if bare is not None and types & {"integer", "number"}:
        return f" Write {value} without quotes."
    near = _close(value, [choice for branch in branches for choice in _choices(branch)])
    return f" Did you mean {near}?" if near else ""


def _allowed(own: Schema, schema: Schema) -> str:
    """What a schema allows, in words; what takes longest to say comes last."""
    branches = list(_branches(own, schema))
    choices = [choice for branch in branches for choice in _choices(branch)]
    words = [_words(branch, schema) for branch in branches if not _choices(branch)]
    if choices:
        by_name = " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))
        long = any(branch.get("type") in ("object", "array") for branch in branches)
        words.insert(0 if long else len(words), by_name)
    return ", or ".join(dict.fromkeys(words))


def _words(own: Schema, schema: Schema) -> str:
    """A type that is no choice between names."""
    if "in_words" in own:
        return str(own["in_words"])
    match own.get("type"):
        case "integer":
            return "a whole number" + _range(own, whole=True)
        case "number":
            return "a number" + _range(own, whole=False)
        case "array":
            some = f" of {own['minItems']} or more" if "minItems" in own else ""
            return f"a list{some}, with each entry {_allowed(own['items'], schema)}"
        case "object":
            names = _names(own, schema)
            return f"a section with {', '.join(names)}" if names else "a section of named values"
        case _:
            least, most = own.get("minLength"), own.get("maxLength")
            if least is not None and most is not None:
                return f"text of {least} to {most} characters"
            return f"text of the form {own['pattern']}" if "pattern" in own else "text"


def _range(own: Schema, *, whole: bool) -> str:
    above, below = own.get("exclusiveMinimum"), own.get("exclusiveMaximum")
    least, most = own.get("minimum"), own.get("maximum")
    if whole:
        least, most = (
            (above + 1 if above is not None else least),
            (below - 1 if below is not None else most),
        )
        above = below = None
    if least is not None and most is not None:
        return f" from {_figure(least)} to {_figure(most)}"
    ends = [
        f"above {_figure(above)}" if above is not None else "",
        f"of at least {_figure(least)}" if least is not None else "",
        f"below {_figure(below)}" if below is not None else "",
        f"at most {_figure(most)}" if most is not None else "",
    ]
    stated = " and ".join(filter(None, ends))
    return f" {stated}" if stated else ""


def _figure(number: float) -> str:
    return f"{number:.15g}" if isinstance(number, float) else str(number)


def _choices(own: Schema) -> list[str]:
    """The values that a type has by name."""
    match own:
        case {"enum": given}:
            return [written(choice) for choice in given]
        case {"const": given}:
            return [written(given)]
        case {"type": "boolean"}:
            return ["true", "false"]
        case {"type": "null"}:
            return ["null"]
    return []


def _names(own: Schema, schema: Schema) -> list[str]:
    return [n for branch in _branches(own, schema) for n in branch.get("properties", {})]


def _branches(own: Schema, schema: Schema) -> Iterator[Schema]:
    """The types that a schema allows, references resolved."""
    if "$ref" in own:
        yield from _branches(schema["$defs"][own["$ref"].rsplit("/", 1)[-1]], schema)
    elif "anyOf" in own:
        for branch in own["anyOf"]:
            yield from _branches(branch, schema)
    else:
        yield own


def _schema_at(schema: Schema, path: Path) -> Schema:
    """The schema of what stands at `path`; an empty one where there is none."""
    own = schema
    for part in path:
        own = next(
            (inner for b in _branches(own, schema) if (inner := _inside(b, part)) is not None), {}
        )
    return own


def _inside(own: Schema, part: str | int) -> Schema | None:
    if isinstance(part, int):
        return own.get("items")
    if part in own.get("properties", {}):
        inner: Schema = own["properties"][part]
        return inner
    return next(iter(own.get("patternProperties", {}).values()), None)


def _paths(own: Schema, schema: Schema, above: Path = ()) -> Iterator[Path]:
    """Every key there is."""
    for branch in _branches(own, schema):
        for name, inner in branch.get("properties", {}).items():
            yield (*above, name)
            yield from _paths(inner, schema, (*above, name))


def _close(name: str, names: Sequence[str]) -> str | None:
    lowered = {other.lower(): other for other in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[near[0]] if near else None


def _number(text: str) -> float | None:
    try:
        value = parse(text)
    except Exception:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _at(values: Any, path: Path) -> Any:
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)
