"""The generator of any git revision, from DVC's cache or remote."""

import os
import shutil
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.base.paths import MODEL
from ganflow.versions import dvc, git


def model_at(revision: str, project: Path, state: Path) -> Path:
    """The folder with the model of `revision`.

    Args:
        revision: any name of a commit that git knows.
        project: the folder with dvc.yaml.
        state: the state folder, which keeps each model by its commit.

    Raises:
        GanflowError: if git does not know the revision, or DVC does not have its model.
    """
    commit = git.commit_of(revision, project)
    folder = state / "models" / commit
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{commit}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        options = ("--quiet", "--rev", commit, "--out", str(draft))
        result = dvc.attempt("get", *options, ".", MODEL.as_posix(), cwd=project)
        if result.code != 0 or not (draft / "card.json").is_file():
            reason = result.said("ERROR: ") or "no model in that revision"
            raise GanflowError(
                f"the model of {revision} cannot be brought: {reason}",
                where=f"{MODEL.as_posix()} at {commit[:12]}",
                expected="a revision whose model was built, and pushed or kept in the cache",
                run=f"dvc fetch --all-commits, or git checkout {commit[:12]} && dvc repro",
            )
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
