"""Writing a recipe into params.yaml."""

import difflib
from importlib import resources
from pathlib import Path
from typing import Any

from ganflow.base.dotted import parts_of, value_at
from ganflow.base.errors import ParameterError
from ganflow.config.document import parse, written
from ganflow.config.params import PARAMS_FILE, edit

_FOLDER = resources.files("ganflow.config") / "recipes"


def recipe_names() -> list[str]:
    return sorted(
        path.name.removesuffix(".yaml") for path in _FOLDER.iterdir() if path.name.endswith(".yaml")
    )


def summary(name: str) -> str:
    """The recipe's own first line."""
    return _text(name).splitlines()[0].removeprefix("# ")


def recipe(name: str) -> dict[str, Any]:
    """A recipe's dotted keys and values, two deep: `train.generator` is written as a whole.

    Raises:
        ParameterError: naming the nearest recipe there is.
    """
    return {
        f"{section}.{key}": value
        for section, values in parse(_text(name)).items()
        for key, value in values.items()
    }


def write_recipe(name: str, path: Path = PARAMS_FILE) -> list[str]:
    """Write a recipe into the parameter file.

    Returns:
        A line for each parameter that changed.
    """
    values = recipe(name)
    text = parse(path.read_text()) if path.exists() else {}
    before = {key: value_at(text, parts_of(key)) for key in values}
    edit(values, path)
    return [
        f"{key}: {'not set' if before[key] is None else written(before[key])} → {written(value)}"
        for key, value in values.items()
        if before[key] != value
    ]


def _text(name: str) -> str:
    if name not in recipe_names():
        near = difflib.get_close_matches(name, recipe_names(), n=1)
        raise ParameterError(
            f"there is no recipe `{name}`" + (f"; did you mean `{near[0]}`?" if near else ""),
            expected=" or ".join(recipe_names()),
            run="ganflow recipe",
        )
    return (_FOLDER / f"{name}.yaml").read_text()
