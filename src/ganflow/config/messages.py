"""What is wrong with a set of parameters, in sentences: the key, its value, what is allowed.

Pydantic finds the mistakes. A key of several types (`threads: 2`, `threads: auto`) gets one
sentence for all of them, where pydantic has an error for each.
"""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from textwrap import fill, indent
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ganflow.base.dotted import KeyPath, dotted, value_at
from ganflow.base.errors import ParameterError
from ganflow.config.document import parse, written
from ganflow.config.schema import SchemaNode

RENAMED = {
    "evaluation.floor_draws": "evaluation.baseline_draws",
    "train.averaging": "train.ema_half_life",
}
"""Parameters of version 0.1 and what they are called now."""


def mistakes(error: ValidationError, values: Any, document: SchemaNode) -> dict[KeyPath, str]:
    """A sentence for each wrong parameter, in the order of the sections.

    Args:
        error: what pydantic found.
        values: what it was given.
        document: what it may be given.
    """
    found: dict[KeyPath, ErrorDetails] = {}
    for details in error.errors(include_url=False):
        found.setdefault(_path(details, values), details)
    # Where a list or a section is one of several types, its entries' mistakes say more.
    deepest = [p for p in found if not any(q[: len(p)] == p and q != p for q in found)]
    return {path: _sentence(path, found[path], values, document) for path in deepest}


def explanation(path: KeyPath, values: Any, document: SchemaNode) -> str:
    """What stands at `path`, what it means and what is allowed there; of a section, each key's.

    Raises:
        ParameterError: there is no such parameter.
    """
    node = document.at(path)
    if node is None:
        raise ParameterError(
            f"{dotted(path)}: unknown parameter. {_instead(path, document)}",
            run="ganflow params --help",
        )
    paths = [(*path, name) for name in node.names] or [path]
    return "\n\n".join("\n".join(_entry(each, values, document)) for each in paths)


def _entry(path: KeyPath, values: Any, document: SchemaNode) -> Iterator[str]:
    node, value = document.at(path), value_at(values, path)
    assert node is not None
    yield dotted(path) + (
        "" if node.names and isinstance(value, Mapping) else f": {written(value)}"
    )
    if node.about:
        yield from indent(fill(node.about, 96), "  ").splitlines()
    if node.names:
        yield f"  inside: {', '.join(node.names)}"
    else:
        yield f"  allowed: {node.in_words()}"


def _shown(value: Any) -> str:
    """A value as it may stand in the file, cut to a readable length."""
    text = str(value)  # of a date, which YAML knows and JSON does not
    with suppress(TypeError, ValueError):
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _path(details: ErrorDetails, values: Any) -> KeyPath:
    """The error's node in the document: pydantic's also names the branches of a union."""
    path: KeyPath = ()
    for part in details["loc"][: -1 if details["type"] == "invalid_key" else None]:
        if value_at(values, (*path, part), details) is not details:
            path = (*path, part)
    named = details["type"] in ("missing", "invalid_key")
    return (*path, str(details["loc"][-1])) if named else path


def _sentence(path: KeyPath, details: ErrorDetails, values: Any, document: SchemaNode) -> str:
    key, kind, node = dotted(path), details["type"], document.at(path)
    value = details["input"] if kind == "invalid_key" else value_at(values, path)
    if kind == "value_error":
        said = details["msg"].removeprefix("Value error, ")
        return f"{_agreeing(path, value, said)}: {said}" if path else said
    if details["loc"][-1] == "[key]":
        around = document.at(path[:-1])
        example = around.example if around else None
        return f"{key}: not a name that is allowed here. Allowed: names such as {example}."
    if kind in ("extra_forbidden", "invalid_key") or node is None:
        return f"{key}: unknown parameter (its value: {_shown(value)}). {_instead(path, document)}"
    if kind == "missing":
        return f"{key}: missing. Needed: {node.in_words()}."
    return (
        f"{key}: {_shown(value)} is not allowed. Allowed: {node.in_words()}.{_nearest(value, node)}"
    )


def _agreeing(path: KeyPath, value: Any, said: str) -> str:
    """A section with those of its values that a sentence on several of them speaks of."""
    named = (
        {k: v for k, v in value.items() if f"`{k}" in said} if isinstance(value, Mapping) else {}
    )
    pairs = ", ".join(f"{k}: {_shown(v)}" for k, v in named.items())
    return f"{dotted(path)} ({pairs})" if pairs else dotted(path)


def _instead(path: KeyPath, document: SchemaNode) -> str:
    """What the unknown key at `path` was probably meant to be, and what is allowed there."""
    if renamed := RENAMED.get(dotted(path)):
        return f"It is {renamed} now; `ganflow upgrade` renames it."
    around = document.at(path[:-1])
    name, here = str(path[-1]), around.names if around else []
    allowed = f"Allowed here: {', '.join(here)}."
    if near := _close(name, here):
        return f"Did you mean {near}? {allowed}"
    elsewhere = [dotted(found) for found in document.paths() if found[-1] == name]
    return (f"Did you mean {' or '.join(elsewhere)}? " if elsewhere else "") + allowed


def _nearest(value: Any, node: SchemaNode) -> str:
    """What a value that is not allowed was probably meant to be."""
    types = {own.get("type") for own in node.types}
    if "string" in types and not node.choices and not isinstance(value, str | list | Mapping):
        return ' If it is a name, put it in quotes, such as "1e5".'
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return f" Write {int(value)}." if abs(value) < 2**63 else ""
    if not isinstance(value, str):
        return ""
    if "boolean" in types and value.lower() in ("yes", "on", "no", "off"):
        return f" Write {'true' if value.lower() in ('yes', 'on') else 'false'}."
    if types & {"integer", "number"} and _is_number(value):
        return f" Write {value} without quotes."
    near = _close(value, node.choices)
    return f" Did you mean {near}?" if near else ""


def _close(name: str, names: Sequence[str]) -> str | None:
    lowered = {other.lower(): other for other in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[near[0]] if near else None


def _is_number(text: str) -> bool:
    try:
        value = parse(text)
    except Exception:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool)
