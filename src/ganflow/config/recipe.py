"""Writing a recipe into params.yaml."""

import difflib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from ganflow.base.errors import ParameterError
from ganflow.config.document import parse, written
from ganflow.config.params import PARAMS_FILE, edit


def recipe_names() -> list[str]:
    return sorted(
        path.name.removesuffix(".yaml")
        for path in _folder().iterdir()
        if path.name.endswith(".yaml")
    )


def summary(name: str) -> str:
    """The recipe's own first line."""
    return _text(name).splitlines()[0].removeprefix("# ")


def recipe(name: str) -> dict[str, Any]:
    """A recipe's dotted keys and values.

    Raises:
        ParameterError: naming the nearest recipe there is.
    """
    return dict(_leaves(parse(_text(name))))


def write_recipe(name: str, path: Path = PARAMS_FILE) -> list[str]:
    """Write a recipe into the parameter file.

    Returns:
        A line for each parameter that changed.
    """
    values = recipe(name)
    before = parse(path.read_text()) if path.exists() else {}
    edit(values, path)
    return [
        f"{key}: {_shown(before, key)} → {written(value)}"
        for key, value in values.items()
        if _at(before, key) != value
    ]


def _folder() -> Any:
    return resources.files("ganflow.config") / "recipes"


def _text(name: str) -> str:
    if name not in recipe_names():
        near = difflib.get_close_matches(name, recipe_names(), n=1)
        raise ParameterError(
            f"there is no recipe `{name}`" + (f"; did you mean `{near[0]}`?" if near else ""),
            expected=" or ".join(recipe_names()),
            run="ganflow recipe",
        )
    return str((_folder() / f"{name}.yaml").read_text())


def _leaves(values: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys two deep: `train.penalties` and `train.generator` are written as wholes."""
    for key, value in values.items():
        if section:
            yield f"{section}.{key}", value
        else:
            yield from _leaves(value, key)


def _shown(values: Any, key: str) -> str:
    value = _at(values, key)
    return "not set" if value is None else written(value)


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values
