"""The command line. Only what a command needs is imported, when it is needed."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from ganflow.errors import GanflowError

STAGES = {
    "prepare": "make the training set from data/raw",
    "extractor": "train the classifier whose features measure every model",
    "train": "train the generator",
    "sample": "make images with the trained generator",
    "evaluate": "measure the images, and say how sure the numbers are",
    "report": "write the page that people look at",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 for an error, 2 for a wrong parameter."""
    options = _parser().parse_args(arguments)
    try:
        options.action(options)
    except GanflowError as error:
        from ganflow.errors import ParameterError

        print(f"ganflow: {error}", file=sys.stderr)
        return 2 if isinstance(error, ParameterError) else 1
    except KeyboardInterrupt:
        print("ganflow: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ganflow",
        description="Train GANs on images: DVC versions every artifact, Prefect schedules.",
        epilog="`dvc repro` runs the stages that changed; `make run` does so under Prefect.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    for name, summary in STAGES.items():
        command = commands.add_parser(name, help=f"stage: {summary}", description=summary)
        command.set_defaults(action=_run_stage, stage=name)

    command = commands.add_parser("params", help="check params.yaml and say what is wrong")
    command.set_defaults(action=_check_params)

    command = commands.add_parser(
        "recipe",
        help="write a named recipe into params.yaml",
        description="Write a recipe's networks, objective and training into params.yaml; "
        "everything else there stays as it is.",
    )
    command.add_argument("name", nargs="?", help="leave it out for a list")
    command.set_defaults(action=_write_recipe)
    return parser


def _run_stage(options: argparse.Namespace) -> None:
    from ganflow.engine import quiet_start
    from ganflow.params.file import load, sections_of

    params = load()
    with quiet_start():
        stage = importlib.import_module(f"ganflow.stages.{options.stage}")
    stage.run(**{name: getattr(params, name) for name in sections_of(stage.run)})


def _check_params(options: argparse.Namespace) -> None:
    from ganflow.params.file import load

    load()
    print("params.yaml is right")


def _write_recipe(options: argparse.Namespace) -> None:
    from ganflow.recipes.writing import recipe_names, summary, write_recipe

    if options.name is None:
        for name in recipe_names():
            print(f"{name:12} {summary(name)}")
        return
    changed = write_recipe(options.name)
    print("\n".join(changed) if changed else "params.yaml holds this recipe already")
