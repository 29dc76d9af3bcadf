"""Keys with dots, as in `train.generator.beta_1`, and the nested values that they name."""

import re
from collections.abc import Sequence
from typing import Any

KeyPath = tuple[str | int, ...]
"""The parts of a key: names, and positions in lists."""


def parts_of(key: str) -> tuple[str, ...]:
    """The parts of a key; a name that holds dots is quoted, as in gate.limits."fd.ratio"."""
    return tuple(quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|([^."]+)', key))


def dotted(path: Sequence[str | int]) -> str:
    """The key with these parts; names that hold dots are quoted."""
    texts = (
        f"[{part}]" if isinstance(part, int) else f'."{part}"' if "." in part else f".{part}"
        for part in path
    )
    return "".join(texts).removeprefix(".")


def value_at(values: Any, path: Sequence[str | int], absent: Any = None) -> Any:
    """What stands at `path` in nested mappings and lists, or `absent` where nothing does."""
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return absent
    return values
