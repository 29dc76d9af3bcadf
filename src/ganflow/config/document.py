"""params.yaml as text: reading it as DVC does, finding a key's line, changing a value in place.

DVC reads the same file with ruamel.yaml (YAML 1.2). Another reader would take some values for
something else (`010`, `yes`, `1e-3`), and dvc.lock would then record what no stage was handed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ganflow.base.dotted import dotted


class InPlaceError(Exception):
    """A change that cannot be made without touching the rest of the text."""


def parse(text: str) -> Any:
    """The document's plain values.

    Raises:
        ruamel.yaml.YAMLError: not YAML, more than one document, or a key given twice.
    """
    return YAML(typ="safe", pure=True).load(text)


def line_of(text: str, path: Sequence[Any]) -> int | None:
    """The line, counted from 1, of the deepest part of `path` that the document has."""
    node, line = _compose(text), None
    for part in path:
        entry = _entry(node, str(part))
        if entry is None:
            break
        key, node = entry
        line = max(line or 0, key.start_mark.line + 1)  # an alias leads back up
    return line


def with_value(text: str, path: Sequence[str], value: Any) -> str:
    """The text with one value replaced or added; every other character stays.

    A comment behind the value keeps its column where there is room.

    Raises:
        InPlaceError: the document's form does not allow it (an alias, for one).
    """
    wanted, changed = _with(parse(text), path, value), _spliced(text, path, value)
    with suppress(Exception):  # what cannot be read is not what was wanted either
        if parse(changed) == wanted:
            return changed
    raise InPlaceError(dotted(path))


def with_name(text: str, path: Sequence[str], name: str) -> str:
    """The text with the key at the end of `path` named `name`; every other character stays.

    Raises:
        InPlaceError: there is no such key.
    """
    node = _compose(text)
    for part in path:
        entry = _entry(node, part)
        if entry is None:
            raise InPlaceError(dotted(path))
        key, node = entry
    return text[: key.start_mark.index] + name + text[key.end_mark.index :]


def written(value: Any) -> str:
    """A value on one line, as one would write it by hand."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str):
        plain = re.fullmatch(r"[\w./-]+( [\w./-]+)*", value) and not value.startswith("-")
        return value if plain and parse(value) == value else _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """In double quotes, with what YAML does not print, or takes for a line's end, escaped."""
    return re.sub(
        "[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]",
        lambda found: f"\\u{ord(found[0]):04x}",
        json.dumps(text, ensure_ascii=False),
    )


def _spliced(text: str, path: Sequence[str], value: Any) -> str:
    root = _compose(text)
    if root is None:
        return _appended(text, 0, path, value, text)
    key, node = root, root
    for depth, part in enumerate(path):
        entry = _entry(node, part)
        if entry is None and isinstance(node, MappingNode):
            return _inserted(text, node, path[depth:], value)
        if entry is None:
            return _replaced(text, key, node, written(_with(None, path[depth:], value)))
        key, node = entry
    return _replaced(text, key, node, written(value))


def _replaced(text: str, key: Node, node: Node, new: str) -> str:
    start, end = node.start_mark.index, _end(node)
    if start == end:  # a key with nothing behind it
        colon = text.index(":", key.end_mark.index) + 1
        return f"{text[:colon]} {new}{text[colon:]}"
    old, rest = text[start:end], text[end:]
    comment = re.match(r"( +)#", rest)
    if comment and "\n" not in old:
        gap = max(1, len(comment[1]) + len(old) - len(new))
        rest = " " * gap + rest[len(comment[1]) :]
    return text[:start] + new + rest


def _inserted(text: str, node: MappingNode, path: Sequence[str], value: Any) -> str:
    """Add a key, with the sections that lead to it, to the mapping `node`."""
    if node.flow_style:
        close = node.end_mark.index - 1
        comma = ", " if node.value else ""
        return text[:close] + comma + written(_with(None, path, value))[1:-1] + text[close:]
    last = _end(node)
    line_end = text.find("\n", last)
    at = len(text) if line_end < 0 else line_end + 1
    return _appended(text[:at], node.start_mark.column, path, value, text) + text[at:]


def _appended(before: str, column: int, path: Sequence[str], value: Any, whole: str) -> str:
    newline = "\r\n" if "\r\n" in whole else "\n"
    if before and not before.endswith("\n"):
        before += newline
    for depth, part in enumerate(path):
        own = f" {written(value)}" if depth == len(path) - 1 else ""
        before += f"{' ' * (column + 2 * depth)}{part}:{own}{newline}"
    return before


def _end(node: Node) -> int:
    """Where a node's own text ends; a block's mark stands behind the comments after it."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (last, last)
        return max(_end(value), _end(key) if key is not value else 0)
    return int(node.end_mark.index)


def _entry(node: Node | None, name: str) -> tuple[Node, Node] | None:
    if not isinstance(node, MappingNode):
        return None
    return next(
        (e for e in node.value if isinstance(e[0], ScalarNode) and e[0].value == name), None
    )


def _compose(text: str) -> Node | None:
    return YAML(typ="safe", pure=True).compose(text)  # type: ignore[no-any-return]


def _with(values: Any, path: Sequence[str], value: Any) -> Any:
    """Nested values with one replaced, or added with the sections that lead to it."""
    if not path:
        return value
    if isinstance(values, list):
        raise InPlaceError(path[0])
    kept = dict(values) if isinstance(values, Mapping) else {}
    kept[path[0]] = _with(kept.get(path[0]), path[1:], value)
    return kept
