"""The pages show no command that is not there: each is read by the program it is for.

Those that cost little are run as well, in a copy of the project.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from ganflow.cli import STAGES, TOOLS, _parser
from ganflow.config.document import parse
from ganflow.config.params import check
from ganflow.config.recipe import recipe_names
from tests.docs.commands import COMMANDS, PAGES, PROGRAMS, ROOT, Command, blocks, shown


def named(commands: list[Command]) -> Any:
    return pytest.mark.parametrize(
        "command", commands, ids=[f"{c.page}: {c.text}" for c in commands]
    )


def test_every_program_is_one_that_is_checked() -> None:
    assert {command.words[0] for command in COMMANDS} <= set(PROGRAMS)
    assert {"make", "dvc", "prefect", "ganflow"} <= {c.words[0] for c in shown_in("README.md")}


def shown_in(page: str) -> list[Command]:
    return [command for command in COMMANDS if command.page == page]


@named(shown("make"))
def test_make(command: Command) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    assert set(command.words[1:]) <= targets


@named(shown("ganflow"))
def test_ganflow(command: Command) -> None:
    if command.words[1].isupper():  # `ganflow STAGE` stands for any
        return
    if not command.whole:
        with pytest.raises(SystemExit) as ended:
            _parser().parse_args([*command.words[1:], "--help"])
        assert ended.value.code == 0
        assert command.words[1] in {*STAGES, *TOOLS, "--help", "--print-completion"}
        return
    options = _parser().parse_args(command.words[1:])
    if command.words[1] == "recipe" and options.name and not options.name.isupper():
        assert options.name in recipe_names()


@named(shown("dvc"))
def test_dvc(command: Command) -> None:
    from dvc.cli.parser import get_main_parser

    words = list(command.words[1:])
    if not command.whole:
        with pytest.raises(SystemExit) as ended:
            get_main_parser().parse_args([*words, "--help"])
        assert ended.value.code == 0
        return
    options = get_main_parser().parse_args(words)
    changed = parse((ROOT / "params.yaml").read_text())
    for setting in getattr(options, "set_param", None) or []:
        key, value = setting.split("=", 1)
        *sections, name = key.split(".")
        place = changed
        for section in sections:
            place = place[section]
        assert name in place, f"{key} is not in params.yaml, where `-S` looks for it"
        place[name] = parse(value)
    check(changed)
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    if options.cmd == "repro":
        assert set(options.targets or []) <= stages


@named(shown("git"))
def test_git(command: Command) -> None:
    known = subprocess.run(
        ["git", "--list-cmds=main"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert command.words[1] in known


@named(shown("pip") + shown("uv"))
def test_pip(command: Command) -> None:
    """What is to be installed is this project, bare or with an extra, from anywhere."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (package,) = (word for word in command.words if word.startswith("ganflow"))
    asked = re.fullmatch(r"ganflow(?:\[(\w+)\])?(?: @ git\+https://\S+)?", package)
    assert "install" in command.words
    assert asked
    assert asked[1] in {None, *extras["optional-dependencies"]}


@named(shown("python"))
def test_python(command: Command) -> None:
    if command.words[1] == "-m":
        module = ROOT.joinpath("src", *command.words[2].split("."))
        beside = ROOT.joinpath(*command.words[2].split("."))
        assert any(p.with_suffix(".py").is_file() or p.is_dir() for p in (module, beside))
    else:
        assert (ROOT / command.words[1]).is_file()


READ = """
import json, sys
from cyclopts.exceptions import MissingArgumentError
from prefect.cli._app import _app
for words, whole in json.load(sys.stdin):
    try:
        _app.parse_args(words, exit_on_error=False, print_error=False)
    except Exception as error:
        if whole or not isinstance(error, MissingArgumentError):
            print(json.dumps(f"{words}: {error}"))
"""


def test_prefect(tmp_path: Path) -> None:
    """Each is read by Prefect's own command line; deployments and their parameters are ours."""
    commands = [
        [str(UUID(int=0)) if w == "ID" else w for w in command.words[1:] if w != "--no-prompt"]
        for command in shown("prefect")
    ]
    done = subprocess.run(
        [sys.executable, "-c", READ],
        input=json.dumps([[w, c.whole] for w, c in zip(commands, shown("prefect"), strict=True)]),
        env={**os.environ, "PREFECT_HOME": str(tmp_path), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""

    known = deployments()
    for words in commands:
        if words[:2] != ["deployment", "run"]:
            continue
        assert words[2] in known, f"prefect.yaml has no deployment {words[2]}"
        for flag, value in pairwise(words):
            if flag in ("-p", "--param"):
                name, _, given = value.partition("=")
                assert name in known[words[2]]
                json.loads(given)


def deployments() -> dict[str, set[str]]:
    """The deployments of prefect.yaml, each with its flow's parameters."""
    known = {}
    for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        file, function = entry["entrypoint"].split(":")  # flows/ names what the package has
        source = (ROOT / "src/ganflow/orchestration" / file).read_text()
        found = next(
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef) and node.name == function
        )
        known[f"{function}/{entry['name']}"] = {argument.arg for argument in found.args.args}
    return known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shown_parameters_are_allowed(page: Path) -> None:
    for block in blocks(page, "yaml"):
        check(parse(block))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has of this project, as a repository of its own."""
    folder = tmp_path_factory.mktemp("docs") / "ganflow"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("ganflow params", "params.yaml is right"),
        ("ganflow recipe", "article"),
        ("dvc metrics show", "fd.value"),
        ("dvc metrics diff main", ""),
        ("dvc params diff main", ""),
        ("dvc dag", "extractor"),
    ],
)
def test_cheap_commands_run(command: str, said: str, project: Path) -> None:
    assert tuple(command.split()) in {c.words for c in COMMANDS}, "no longer shown: drop it here"
    assert said in run(command, project)


def test_a_recipe_and_back_leaves_a_clean_tree(project: Path) -> None:
    run("ganflow recipe article", project)
    assert "train.batch" in run("dvc params diff main", project)
    run("ganflow recipe default", project)
    assert run("git status --porcelain params.yaml", project) == ""


def test_images_of_ones_own(project: Path) -> None:
    """The commands of docs/data.md, up to the training."""
    import numpy as np
    from PIL import Image

    numbers = np.random.default_rng(0)
    for label in ("daisy", "tulip"):
        folder = project / "data" / "raw" / "flowers" / label
        folder.mkdir(parents=True)
        for index in range(40):
            pixels = numbers.integers(0, 256, (64, 48, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    assert "daisy, tulip" in run("ganflow data show flowers", project)
    run("dvc add data/raw/flowers", project)
    run("git add data/raw/flowers.dvc data/raw/.gitignore", project)
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("source: mnist", "source: flowers"))
    run("ganflow params", project)
    planned = run("dvc repro --dry prepare", project)
    assert "python -m ganflow prepare" in planned
    run("git checkout -q params.yaml", project)


def run(command: str, project: Path) -> str:
    words = command.split()
    programs = {"ganflow": "ganflow", "dvc": "dvc"}
    if words[0] in programs:
        words = [sys.executable, "-m", programs[words[0]], *words[1:]]
    done = subprocess.run(
        words,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
