"""Restore the previous model from git's history and DVC's cache."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from ganflow.base.errors import GanflowError
from ganflow.base.paths import EVALUATION, MODEL, RAW
from ganflow.base.recorded import hash_in
from ganflow.versions import dvc, git
from ganflow.versions.start import POINTER

RESTORED = ("dvc.lock", "params.yaml", str(EVALUATION), str(POINTER))


@dataclass(frozen=True)
class Rollback:
    """The model that was restored."""

    commit: str
    model: str
    """DVC's hash of the model folder."""


def previous_model(project: Path) -> Rollback:
    """The newest commit, before this one, with another model.

    Raises:
        GanflowError: if there is none.
    """
    commits = git.run("log", "--format=%H", "--", "dvc.lock", cwd=project).split()
    models = [(commit, model_hash(project, commit)) for commit in commits]
    current = models[0][1] if models else None
    for commit, model in models[1:]:
        if model and model != current:
            return Rollback(commit, model)
    raise GanflowError(
        "there is no earlier model in this history",
        where=str(project / "dvc.lock"),
        expected="an earlier commit whose dvc.lock names another model",
        run="git log -- dvc.lock (and git fetch --unshallow in a shallow clone)",
    )


def model_hash(project: Path, commit: str) -> str | None:
    """DVC's hash of the model folder in a revision."""
    return hash_in(yaml.safe_load(git.run("show", f"{commit}:dvc.lock", cwd=project)), MODEL)


def roll_back(project: Path) -> Rollback:
    """Restore the previous model with its parameters, data and metrics, for the user to commit.

    Code is not restored. If it has changed since, `dvc status` lists the stages that it affects.

    Raises:
        GanflowError: if a file to be replaced has uncommitted changes, if there is no earlier
            model, or if its data is neither in the cache nor in the remote.
    """
    paths = [*RESTORED, str(RAW)]
    if git.run("status", "--porcelain", "--", *paths, cwd=project).strip():
        raise GanflowError(
            "files to be replaced have uncommitted changes",
            where=", ".join(paths),
            expected="a clean tree",
            run="git stash, or git commit",
        )
    found = previous_model(project)
    listed = git.run("ls-tree", "--name-only", found.commit, *paths, cwd=project).splitlines()
    options = (f"--source={found.commit}", "--staged", "--worktree")
    git.run("restore", *options, "--", *listed, cwd=project)
    for words in (["checkout", "--force"], ["pull", "--force"]):
        if dvc.attempt(*words, cwd=project).code == 0:
            return found
    raise GanflowError(
        f"the model of {found.commit[:12]} is neither in the cache nor in the DVC remote",
        where=str(project),
        expected="its data in one of the two",
        run="git restore --staged --worktree . && dvc checkout (to come back)",
    )
