"""Rebuild the model of a revision from nothing, after the models that it started from."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from ganflow.base.errors import GanflowError
from ganflow.base.paths import MODEL, RAW, START, state_folder
from ganflow.base.recorded import folder_hash, hash_in
from ganflow.orchestration import processes
from ganflow.orchestration.workspace import workspace
from ganflow.stages.lock import LOCK, in_words, recorded
from ganflow.versions import dvc, git
from ganflow.versions.reading import file_at, parameters_at
from ganflow.versions.start import POINTER


def rebuild(revision: str, project: Path, on_line: Callable[[str], None]) -> Iterator[str]:
    """Train the model of a revision again, and before it those that it started from, oldest first.

    Each is trained in a workspace of its commit, whatever the cache has.

    Yields:
        the commit of each model whose bytes are those that dvc.lock has there.

    Raises:
        GanflowError: an input is missing, other versions are installed, a stage failed, or a
            rebuilt model has other bytes.
    """
    made: Path | None = None
    for commit in commits_of(revision, project):
        with workspace(project, f"rebuild-{commit[:12]}", commit) as folder:
            _check_versions(folder, commit)
            _bring_raw_data(folder, on_line)
            if made:
                _put_start(made, folder, commit)
            processes.checked(
                dvc.command("repro", "--force", "--no-run-cache", "train"),
                cwd=folder,
                what=f"the model of {commit[:12]} cannot be rebuilt",
                remedy=f"git checkout {commit[:12]} && dvc repro train",
                on_line=on_line,
            )
            _check_same(
                MODEL, folder, hash_in(_yaml_at("dvc.lock", commit, project), MODEL), commit
            )
            made = state_folder() / "rebuilt" / commit
            shutil.rmtree(made, ignore_errors=True)
            shutil.copytree(folder / MODEL, made)
        yield commit


def commits_of(revision: str, project: Path) -> list[str]:
    """The commit of a revision, after those of the models that it started from.

    Raises:
        GanflowError: a model started from a folder, of which no commit is known.
    """
    commits = [git.commit_of(revision, project)]
    while parameters_at(commits[-1], project).get("train.start") == START.as_posix():
        pointer = _yaml_at(POINTER.as_posix(), commits[-1], project)
        before = (pointer.get("meta") or {}).get("revision")
        if not before:
            raise GanflowError(
                f"the model of {commits[-1][:12]} started from a model of which no commit is known",
                where=f"{POINTER.as_posix()} at {commits[-1][:12]}",
                expected="a start that `ganflow start REVISION` made",
                run=f"git checkout {commits[-1][:12]} && dvc pull && dvc repro --force train",
            )
        commits.append(git.commit_of(before, project))
    return commits[::-1]


def _check_versions(folder: Path, commit: str) -> None:
    """Check that what is installed, which a workspace records, is what made the model."""
    before = _yaml_at(LOCK.as_posix(), commit, folder)
    other = {
        name: (str(before.get(name)), now)
        for name, now in recorded(folder).items()
        if name != "ganflow" and str(before.get(name)) != now
    }
    if other:
        raise GanflowError(
            f"other versions are installed than made the model: {in_words(other)}",
            where=f"{LOCK} at {commit[:12]}",
            expected="the same versions",
            run=f"git checkout {commit[:12]}, and install its requirements",
        )


def _bring_raw_data(folder: Path, on_line: Callable[[str], None]) -> None:
    pointers = [
        path.relative_to(folder).as_posix() for path in sorted((folder / RAW).glob("*.dvc"))
    ]
    if not pointers or dvc.attempt("checkout", "--quiet", *pointers, cwd=folder).code == 0:
        return
    processes.checked(
        dvc.command("pull", *pointers),
        cwd=folder,
        what="the images are neither in the cache nor in the DVC remote",
        remedy="dvc fetch --all-commits",
        with_secrets=True,
        on_line=on_line,
    )


def _put_start(model: Path, folder: Path, commit: str) -> None:
    shutil.rmtree(folder / START, ignore_errors=True)
    shutil.copytree(model, folder / START)
    pointer = yaml.safe_load((folder / POINTER).read_text())
    _check_same(START, folder, pointer["outs"][0]["md5"], commit)


def _check_same(path: Path, folder: Path, expected: str | None, commit: str) -> None:
    found = folder_hash(folder / path)
    if found != expected:
        raise GanflowError(
            f"{path.as_posix()} of {commit[:12]} was rebuilt with other bytes: {found}",
            where=str(folder / path),
            expected=f"{expected}, which is recorded there",
            run="ganflow doctor: another processor or number of threads rounds differently",
        )


def _yaml_at(name: str, commit: str, project: Path) -> dict:  # type: ignore[type-arg]
    return yaml.safe_load(file_at(Path(name), commit, project) or b"{}") or {}
