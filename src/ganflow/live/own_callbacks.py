"""Callbacks of the project's own code that watch the stages which train."""

import os
from pathlib import Path

import keras

from ganflow.base.errors import GanflowError, ParameterError
from ganflow.gan.own_files import failure, function_of, importing

SETTING = "GANFLOW_CALLBACKS"
"""A setting and no parameter, as what watches a training shapes no result."""


def own_callbacks(project: Path) -> list[keras.callbacks.Callback]:
    """What the function `module:function` in GANFLOW_CALLBACKS returns; none if it is not set.

    Raises:
        GanflowError: there is no such function in the project, it fails, or it returns something
            else than callbacks.
    """
    name = os.environ.get(SETTING)
    if not name:
        return []
    expected = f"{SETTING}=module:function, a function of this project that returns a list"
    if ":" not in name:
        raise ParameterError(f"{SETTING}: {name}", expected=f"{expected} of Keras callbacks")
    with importing(project):
        try:
            made = list(function_of(SETTING, name, project)())
        except Exception as error:
            found = failure(f"{SETTING}: {name}", error, project)
            found.run = f"mend it, or unset {SETTING}"
            if not isinstance(found, ParameterError):
                found.expected = "a function without arguments that returns a list of callbacks"
            raise found from error
    if others := [one for one in made if not isinstance(one, keras.callbacks.Callback)]:
        raise GanflowError(
            f"{SETTING}: {name} returns {others[0]!r}, which is no callback",
            where=str(project),
            expected="a list of keras.callbacks.Callback",
            run=f"mend {name}, or unset {SETTING}",
        )
    return made
