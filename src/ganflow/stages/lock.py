"""ganflow.lock: the code and the libraries with which a project's results were made.

Its keys are parameters of the stages in dvc.yaml, so DVC takes no result of another version for
this one's. Libraries are recorded by version. A project that installs ganflow, whose code is no
file of the project, also records a hash of the code of each stage, under the stage's name.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

import ganflow
from ganflow.base import environment
from ganflow.base.errors import GanflowError
from ganflow.base.files import sha256_of, write_text
from ganflow.template import REPOSITORY

LOCK = Path("ganflow.lock")
CODE = Path("src/ganflow")
PACKAGE = Path(ganflow.__file__).parent

ABOUT = """\
# What the results in dvc.lock were made with: versions of libraries and, in a project that installs
# ganflow, its version and a hash of the code of each stage. They are parameters of the stages in
# dvc.yaml, so DVC takes no result of other versions for its own. `ganflow upgrade` writes what is
# installed here.
"""


def stages_in(project: Path) -> dict[str, dict[str, Any]]:
    """The stages of a project's dvc.yaml, as they are written there."""
    return dict(yaml.safe_load((project / "dvc.yaml").read_text())["stages"])


def files_below(path: Path) -> list[Path]:
    """The file `path`, or all files below it but compiled code."""
    if not path.is_dir():
        return [path] if path.exists() else []
    return [
        Path(folder) / name
        for folder, _, names in os.walk(path)
        if Path(folder).name != "__pycache__"
        for name in names
    ]


def code_in(path: Path) -> dict[str, str]:
    """The hash of each file at or below `path`, to compare the code of two places."""
    return {file.relative_to(path).as_posix(): sha256_of(file) for file in files_below(path)}


def code_of(stage: str, repository: Path = REPOSITORY, package: Path = PACKAGE) -> str:
    """A hash of the code that a stage's results depend on: of the installed, or of a fork's.

    Of what the repository's dvc.yaml lists for the stage: the modules that the stage imports,
    and files that are no modules, such as the report's templates.
    """
    listed = [Path(path) for path in stages_in(repository)[stage]["deps"]]
    folders = [package / path.relative_to(CODE) for path in listed if path.is_relative_to(CODE)]
    imported = modules_of(stage, package)
    found = {
        file.relative_to(package).as_posix(): sha256_of(file)
        for folder in folders
        for file in files_below(folder)
        if file.suffix != ".py" or file in imported
    }
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def modules_of(stage: str, package: Path = PACKAGE) -> set[Path]:
    """The files of the package that a stage's module imports, itself or through others."""
    found: set[Path] = set()
    waiting = [package / "stages" / f"{stage}.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path, package))
    return found


def _imports(path: Path, package: Path) -> Iterator[Path]:
    """The files of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for top, *parts in (name.split(".") for name in names):
            file = package.joinpath(*parts)
            candidates = (file.with_suffix(".py"), file / "__init__.py")
            if top == package.name:
                yield from (candidate for candidate in candidates if candidate.is_file())


def keys_of(described: Mapping[str, Any]) -> set[str]:
    """The keys of ganflow.lock that a stage of dvc.yaml has among its parameters."""
    entries = [entry for entry in described.get("params", ()) if isinstance(entry, dict)]
    return {key for entry in entries for key in entry.get(str(LOCK), ())}


def recorded(project: Path) -> dict[str, str]:
    """What a project's ganflow.lock has; empty without one."""
    try:
        found = yaml.safe_load((project / LOCK).read_text())
    except (FileNotFoundError, yaml.YAMLError):
        return {}
    return {str(name): str(version) for name, version in (found or {}).items()}


def installed(project: Path) -> dict[str, str]:
    """What ganflow.lock should have: the keys are those that the stages in dvc.yaml name."""
    stages = stages_in(project)
    named = set().union(*map(keys_of, stages.values()))
    code = {stage: code_of(stage) for stage in stages if stage in named}
    version = {"ganflow": ganflow.__version__} if code else {}
    libraries = environment.versions()
    return version | code | {name: libraries[name] for name in sorted(named & set(libraries))}


def changed(project: Path) -> dict[str, tuple[str, str]]:
    """What is installed in another version than recorded: (recorded, installed).

    A new version of ganflow alone is none: what counts is the code of the stages.
    """
    before = recorded(project)
    found = {
        name: (before.get(name, "none"), now)
        for name, now in installed(project).items()
        if before.get(name) != now
    }
    return {} if set(found) == {"ganflow"} and "ganflow" in before else found


def check_lock(project: Path) -> None:
    """Check that what is installed is what is recorded, in a project that has a ganflow.lock.

    Raises:
        GanflowError: with both ways out.
    """
    found = changed(project) if (project / LOCK).exists() else {}
    if not found:
        return
    raise GanflowError(
        f"other versions are installed than {LOCK} records: {in_words(found)}",
        where=str(project.resolve() / LOCK),
        expected=f"the recorded versions: {_way_back(found, recorded(project))}",
        run="ganflow upgrade, to record the installed ones: stages then run again",
    )


def _way_back(found: Mapping[str, tuple[str, str]], before: Mapping[str, str]) -> str:
    """What installs the recorded versions."""
    if "ganflow" not in before:
        return "`make clean run`"
    libraries = {
        name: before[name] for name in environment.LIBRARIES if name in {*found} & {*before}
    }
    ways = []
    if set(found) - set(libraries):
        commit = f"at the commit of ganflow {before['ganflow']}"
        ways.append(f"`pip install -r requirements.txt` {commit}")
    if libraries:
        named = [f"{_distribution(name)}=={version}" for name, version in libraries.items()]
        ways.append(f"`pip install {' '.join(named)}`")
    return " and ".join(ways)


def _distribution(library: str) -> str:
    """What pip has installed a library as: TensorFlow may be `tensorflow-cpu`."""
    if library == "tensorflow" and not any(metadata.distributions(name=library)):
        return "tensorflow-cpu"
    return library


def record(project: Path) -> dict[str, tuple[str, str]]:
    """Write what is installed to ganflow.lock; returns what was changed."""
    found, before = changed(project), recorded(project)
    now = installed(project)
    if before != now:
        lines = "".join(f'{name}: "{version}"\n' for name, version in now.items())
        write_text(project / LOCK, ABOUT + lines)
    return found


def in_words(found: Mapping[str, tuple[str, str]]) -> str:
    """What `changed` has found, for a message."""
    stages = [name for name in found if name in stages_in(REPOSITORY)]
    listed = [
        f"{name} {now} instead of {before}"
        for name, (before, now) in found.items()
        if name not in stages
    ]
    if stages:
        listed.append(f"other code of the stages {', '.join(stages)}")
    return ", ".join(listed)


def stages_of(project: Path, names: set[str]) -> list[str]:
    """The stages in dvc.yaml that depend on some keys of ganflow.lock."""
    return [stage for stage, described in stages_in(project).items() if keys_of(described) & names]
