"""Put a trained model into data/start, from which `train` then starts.

The model is tracked by DVC, so that dvc.lock has the hash of what a training started from, and
data/start.dvc says which commit it is of.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.base.files import read_json, whole_folder, write_text
from ganflow.base.paths import MODEL_FILES, START
from ganflow.config import params as parameters
from ganflow.config.document import line_of, parse, with_value
from ganflow.versions import dvc, git
from ganflow.versions.models import model_at

STAGES = Path("dvc.yaml")
POINTER = START.with_name(f"{START.name}.dvc")
START_FILES = (STAGES, POINTER, START.with_name(".gitignore"))
"""The files in git that may change when a training gets another start, besides params.yaml."""


@dataclass(frozen=True)
class Started:
    """The model that is in data/start now.

    Attributes:
        commit: that it is of; None if it came from a folder.
        images: that its training saw.
        changed: the files of the project that name it.
    """

    commit: str | None
    images: int
    changed: tuple[str, ...]


def start_from(name: str, project: Path, state: Path) -> Started:
    """Let the next training of a project start from a model.

    Args:
        name: a folder with a model, or a git revision.
        project: the folder with dvc.yaml.
        state: the state folder, which keeps the models of revisions.

    Raises:
        GanflowError: there is no such model, data/start has files that DVC does not know, or DVC
            cannot add it. Parameters and stages are as before then.
    """
    is_folder = Path(name).is_dir()
    commit = None if is_folder else git.commit_of(name, project)
    source = Path(name) if is_folder else model_at(name, project, state)
    _check_source(source)
    if (project / START).exists() and not (project / POINTER).exists():
        raise GanflowError(
            "there is something here already, which the model would replace",
            where=str(project / START),
            expected="nothing, or a model that DVC tracks",
            run=f"mv {START.as_posix()} another-place, then this again",
        )
    stages, edited = _with_dependency(project / STAGES)
    with whole_folder(project / START) as folder:
        for file in MODEL_FILES:
            shutil.copyfile(source / file, folder / file)
    added = dvc.attempt("add", "--quiet", START.as_posix(), cwd=project)
    if added.code:
        if not (project / POINTER).exists():  # or else the next attempt would find it in the way
            shutil.rmtree(project / START)
        raise added.error(
            f"DVC cannot add {START.as_posix()}", cwd=project, remedy="dvc add data/start"
        )
    pointer = project / POINTER
    text = pointer.read_text()
    if commit or "meta" in parse(text):
        write_text(pointer, with_value(text, ["meta"], {"revision": commit}))
    if stages != edited:
        write_text(project / STAGES, edited)
    parameters.edit({"train.start": START.as_posix()}, project / parameters.PARAMS_FILE)
    changed = (STAGES.name,) if stages != edited else ()
    images = read_json(source / MODEL_FILES[0])["snapshot"]["images"]
    return Started(commit, images, (POINTER.as_posix(), parameters.PARAMS_FILE.name, *changed))


def _check_source(source: Path) -> None:
    missing = [file for file in MODEL_FILES if not (source / file).is_file()]
    if missing:
        raise GanflowError(
            f"this is no model to start from: {', '.join(missing)} is not there",
            where=str(source),
            expected="a folder as data/model",
            run="ganflow start REVISION, of a commit with a model",
        )


def _with_dependency(file: Path) -> tuple[str, str]:
    """The text of dvc.yaml, and the same with data/start among the dependencies of train.

    Raises:
        GanflowError: there is no such list, or it stands on one line.
    """
    text = file.read_text()
    deps = parse(text)["stages"]["train"].get("deps") or []
    if START.as_posix() in deps:
        return text, text
    line = line_of(text, ["stages", "train", "deps"]) or 0
    lines = text.splitlines(keepends=True)
    first = lines[line] if 0 < line < len(lines) else ""
    indent, dash, _ = first.partition("- ")
    if not deps or not dash or indent.strip():
        raise GanflowError(
            f"{START.as_posix()} cannot be added to the dependencies of train",
            where=str(file),
            expected=f"a line `- {START.as_posix()}` among the deps of train",
            run=f"edit {file.name}, then this again",
        )
    added = f"{indent}- {START.as_posix()}{first[len(first.rstrip()) :]}"
    return text, "".join([*lines[:line], added, *lines[line:]])
