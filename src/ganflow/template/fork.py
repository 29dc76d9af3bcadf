"""`ganflow init` in a fork of ganflow's repository: the fork becomes a project.

Its code is then no file of the project. Results stay those of the project where the installed code
of their stages is the fork's; the other stages run again.
"""

import io
import json
import shlex
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ganflow.base.errors import GanflowError
from ganflow.base.files import write_text
from ganflow.stages import lock
from ganflow.template.files import (
    EXTENDED,
    add_lines,
    deployments_file,
    project_files,
    project_name,
    stages_file,
)
from ganflow.template.migration import STAGES_FILE, migrate_params, upgrade
from ganflow.versions import dvc, git

LIBRARY = (
    *("src/ganflow", "tests", "benchmarks", "docs", ".ci", "deployments", "Dockerfile"),
    *("pyproject.toml", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("requirements.lock", "requirements-cpu.lock", "requirements-dev.lock"),
)
"""What a fork has of the library, and a project has not."""

KEPT = ("README.md", "params.yaml", "data/raw/inception/README.md")


def is_fork(folder: Path) -> bool:
    """Whether a folder is a clone or a fork of ganflow's repository, whose stages run its code."""
    stages = folder / STAGES_FILE
    return (
        (folder / lock.CODE / "__init__.py").is_file()
        and stages.is_file()
        and "PYTHONPATH=src python -m ganflow" in stages.read_text()
    )


def convert(folder: Path, data: Path | None, recipe: str | None) -> list[str]:
    """Make a fork a project. All that it changes is in git's last commit.

    Returns:
        lines that say what was changed, and what to do next.

    Raises:
        GanflowError: git has changes that are not committed, or data or a recipe were given.
    """
    if data or recipe:
        raise GanflowError(
            "this is a fork of ganflow's repository, which keeps its own data and parameters",
            where=str(folder),
            expected="ganflow init without --data and --recipe",
            run=f"ganflow init {shlex.quote(str(folder))}",
        )
    if git.run("status", "--porcelain", "--untracked-files=no", cwd=folder).strip():
        raise GanflowError(
            "files are changed and not committed",
            where=str(folder),
            expected="a clean work tree, so that git can bring back whatever is changed here",
            run="git commit --all",
        )
    kept = _same_code(folder)
    migrated = migrate_params(folder)  # first, since it may refuse
    files = project_files(project_name(folder), "")
    files["dvc.yaml"] = stages_file(folder)
    files["prefect.yaml"] = deployments_file(project_name(folder), folder)
    said = []
    for name, text in files.items():
        path = folder / name
        if path.exists() and (name in KEPT or path.read_text(errors="replace") == text):
            continue
        if path.exists() and name in EXTENDED:
            said.append(add_lines(path, text))
        else:
            said.append(f"{name}: {'written anew' if path.exists() else 'new'}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    migrated += upgrade(folder)[0]
    _carry_over(folder, kept)
    again = [stage for stage in lock.stages_in(folder) if stage not in kept]
    library = [name for name in LIBRARY if (folder / name).exists()]
    return [
        *said,
        *migrated,
        *([f"the results of these stages stay: {', '.join(kept)}"] if kept else []),
        *(
            [f"other code is installed, so these will run again: {', '.join(again)}"]
            if again
            else []
        ),
        f"git rm -r --quiet {' '.join(library)} removes the library's code, which is installed now",
        "git diff shows the changes, and git stash -u takes them back",
        "git add --all && git commit keeps them",
    ]


def _same_code(fork: Path) -> list[str]:
    """The stages whose recorded results are of the fork's code, which is also what is installed."""
    found = dvc.attempt("status", "--json", cwd=fork)
    if found.code:
        raise found.error("dvc status failed", cwd=fork, remedy="dvc status")
    status: dict[str, list[Any]] = json.loads(found.text)
    recorded = _dvc_lock(fork)
    same = []
    for stage in recorded.get("stages", {}):
        changes = [change for change in status.get(stage, []) if isinstance(change, dict)]
        changed = {path for change in changes for path in change.get("changed deps", {})}
        try:
            is_same = lock.code_of(stage, fork, fork / lock.CODE) == lock.code_of(stage)
        except (OSError, KeyError, SyntaxError):  # a stage or a layout of another version
            continue
        if is_same and not any(Path(path).is_relative_to(lock.CODE) for path in changed):
            same.append(stage)
    return same


def _carry_over(project: Path, stages: list[str]) -> None:
    """Write the stages' new form to dvc.lock, with the results that it has."""
    recorded, described, now = _dvc_lock(project), lock.stages_in(project), lock.recorded(project)
    for stage in stages:
        entry = recorded["stages"][stage]
        entry["cmd"] = described[stage]["cmd"]
        entry["deps"] = [
            each for each in entry["deps"] if not Path(each["path"]).is_relative_to(lock.CODE)
        ]
        entry["params"].setdefault(str(lock.LOCK), {})[stage] = now[stage]
    if stages:
        text = io.StringIO()
        YAML().dump(recorded, text)
        write_text(project / "dvc.lock", text.getvalue())


def _dvc_lock(project: Path) -> Any:
    path = project / "dvc.lock"
    return YAML().load(path.read_text()) if path.exists() else {}
