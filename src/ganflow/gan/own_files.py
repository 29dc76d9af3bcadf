"""Functions of the project's own files, which params.yaml names as `module:function`.

Only code that lies in the project and that DVC hashes with `train` is run: otherwise a result would
depend on something that dvc.lock does not record.
"""

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from ganflow.base.errors import GanflowError, ParameterError
from ganflow.base.files import sha256_of

STAGES = "dvc.yaml"
PACKAGE = Path(__file__).resolve().parents[1]
"""Of ganflow."""

_left: set[str] = set()
"""Imported modules of projects. They stay, as their functions may still need them."""


def file_of(key: str, name: str, project: Path) -> Path:
    """The file of the project that has the function `name`; nothing is imported.

    Args:
        key: the parameter that names the function.

    Raises:
        ParameterError: there is no such file in the project, or the name is that of another module.
    """
    project = project.resolve()
    module, _, function = name.partition(":")
    relative = Path(*module.split(".")).with_suffix(".py")
    file = (project / relative).resolve()
    if not file.is_file() or not file.is_relative_to(project):
        found = "leads out of the project" if file.is_file() else "is not there"
        raise ParameterError(
            f"{key}: {name} is in {relative}, which {found}",
            where=str(project),
            expected=f"a Python file {relative} in the project, with a function {function}",
            run=f"write {relative}, or edit {key} in params.yaml",
        )
    if other := _elsewhere(module.partition(".")[0], project):
        raise ParameterError(
            f"{key}: {name} could be another module of the same name: {other}",
            where=str(project / relative),
            expected="a name that neither Python nor an installed package has",
            run=f"rename {relative.parts[0]}, and edit {key} in params.yaml",
        )
    return file


def _elsewhere(name: str, project: Path) -> str | None:
    """Where a top-level module comes from if not from the project; None where only there."""
    path = sys.path
    sys.path = [entry for entry in path if Path(entry or ".").resolve() != project]
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module without a specification, such as __main__
        return name
    finally:
        sys.path = path
    origin = spec.origin if spec else None
    ours = origin is None or Path(origin).resolve() in _places(name, project)
    return None if ours else origin


def require_files(named: Mapping[str, str], project: Path) -> None:
    """Check that files of functions are there and dependencies of `train`; nothing is imported.

    Args:
        named: the functions by the parameters that name them.

    Raises:
        ParameterError: as `file_of` or `require_listed`.
    """
    files = [file_of(key, name, project) for key, name in named.items()]
    require_listed([file.relative_to(project.resolve()).as_posix() for file in files], project)


def require_listed(files: Iterable[str], project: Path) -> None:
    """Check that files are dependencies of `train` in a project's dvc.yaml, if it has one.

    Args:
        files: their paths in the project.

    Raises:
        ParameterError: with the lines to add.
    """
    try:
        stages = yaml.safe_load((project / STAGES).read_text())["stages"]
    except FileNotFoundError:
        return
    listed = stages.get("train", {}).get("deps", [])
    missing = [file for file in files if not any(Path(file).is_relative_to(d) for d in listed)]
    if missing:
        lines = "\n".join(f"      - {file}" for file in missing)
        raise ParameterError(
            f"the stage train would use {', '.join(missing)}, and DVC does not know it: "
            "a changed file would train nothing again",
            where=f"{STAGES}, the deps of train",
            expected=f"these lines among them:\n{lines}",
            run=f"edit {STAGES}, then dvc repro",
        )


@contextmanager
def importing(project: Path) -> Iterator[dict[Path, str]]:
    """Import files of the project, as they are now, in the block.

    Yields:
        the SHA-256 of each file that was imported, once the block has ended.
    """
    project = project.resolve()
    there = {n for n, module in sys.modules.items() if _file(module) in _places(n, project)}
    for name in there | _left:  # of an earlier training in this process, or of its caller
        sys.modules.pop(name, None)
    _left.clear()
    before = set(sys.modules)
    path, no_bytecode = sys.path, sys.dont_write_bytecode
    # Compiled files beside the code would change a folder that is a dependency.
    sys.path, sys.dont_write_bytecode = [str(project), *path], True
    importlib.invalidate_caches()
    found: dict[Path, str] = {}
    try:
        yield found
    finally:
        new = {name: _file(sys.modules[name]) for name in set(sys.modules) - before}
        ours = {name: file for name, file in new.items() if file and _is_of(project, file)}
        _left.update(ours)
        found |= {file: sha256_of(file) for file in sorted(ours.values())}
        sys.path, sys.dont_write_bytecode = path, no_bytecode


def _places(name: str, project: Path) -> tuple[Path, Path]:
    """Where a module of this name lies if it was imported from the project's folder."""
    place = project.joinpath(*name.split("."))
    return (place.parent / f"{place.name}.py").resolve(), place / "__init__.py"


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _is_of(project: Path, file: Path) -> bool:
    """Whether a file is the project's own, and not of an environment inside it or of ganflow."""
    installed = (Path(sys.prefix).resolve(), PACKAGE)
    return (
        file.is_relative_to(project)
        and "site-packages" not in file.parts
        and not any(file.is_relative_to(folder) for folder in installed)
    )


def function_of(key: str, name: str, project: Path) -> Callable[..., Any]:
    """Import the function `name`; to be called inside `importing`.

    Raises:
        ParameterError: as `file_of`, or there is no such function.
        GanflowError: the file cannot be imported.
    """
    file = file_of(key, name, project)
    module, _, function = name.partition(":")
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise failure(f"{key}: {name} cannot be imported", error, project) from error
    found = getattr(imported, function, None)
    if _file(imported) != file or not callable(found):
        there = sorted(n for n, v in vars(imported).items() if callable(v) and n[0] != "_")
        raise ParameterError(
            f"{key}: {name} is not a function"
            + (f"; {module} is {imported.__file__}" if _file(imported) != file else ""),
            where=str(file),
            expected=f"a function {function}; there is {', '.join(there) or 'none'}",
            run=f"edit {key} in params.yaml, or {file.name}",
        )
    return found  # type: ignore[no-any-return]


def failure(what: str, error: BaseException, project: Path) -> GanflowError:
    """An error of the project's own code, with the line of it that was reached last.

    One of ganflow is returned as it is, also where AutoGraph has put another in its place.
    """
    replaced: BaseException | None = error
    while replaced is not None:
        if isinstance(replaced, GanflowError):
            return replaced
        replaced = replaced.__context__
    text = "".join(traceback.format_exception(error))
    places = [
        (Path(file), line)
        for file, line in re.findall(r'File "([^"]+)", line (\d+)', text)
        if _is_of(project.resolve(), Path(file).resolve())
    ]
    file, line = places[-1] if places else (None, None)
    return GanflowError(
        f"{what}: {_said(error)}",
        where=f"{file}, line {line}" if file else str(project),
        expected="functions as docs/own-networks.md describes them",
        run=f"mend {file.name if file else 'the code'}, then dvc repro train; ganflow -v train "
        "shows where it failed",
    )


def _said(error: BaseException) -> str:
    """The type of an error of Python, Keras or TensorFlow, and what it says, on one line."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if lines[:1] == ["in user code:"]:  # AutoGraph: the traceback, then the error
        return lines[-1][:300]
    return f"{type(error).__name__}: {' '.join(lines[:2])}"[:300]
