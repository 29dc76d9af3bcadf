"""Scripts that complete ganflow's commands, options and arguments in a shell."""

import argparse
from collections.abc import Iterator

import shtab

from ganflow.base.dotted import dotted
from ganflow.config.params import Params
from ganflow.config.recipe import recipe_names
from ganflow.config.schema import SchemaNode

PATHS = {"FILE", "FOLDER", "NAME|FOLDER", "OUT", "PATH", "REVISION|FOLDER"}
"""The metavars of arguments that may be a path."""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that a shell reads to complete the commands of `parser`.

    Args:
        parser: of ganflow, which is changed.
        shell: one of `shtab.SUPPORTED_SHELLS`.
    """
    for command, action in list(_arguments(parser)):
        if action.help == argparse.SUPPRESS:  # which shtab leaves out
            action.help = ""
        if action.metavar in PATHS:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif (command, action.dest) == ("recipe", "name"):
            action.choices = recipe_names()
        elif (command, action.dest) == ("params", "key"):
            schema = Params.model_json_schema()
            action.choices = [dotted(path) for path in SchemaNode(schema, schema).paths()]
    return str(shtab.complete(parser, shell))


def _arguments(
    parser: argparse.ArgumentParser, command: str = ""
) -> Iterator[tuple[str, argparse.Action]]:
    """The arguments of a parser and of its commands, each with the name of its command."""
    for action in parser._actions:
        yield command, action
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _arguments(inner, name)
