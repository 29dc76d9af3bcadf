"""The generator of any git revision, brought out of DVC's cache or remote."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.base.paths import MODEL

SECONDS = 600


def model_at(revision: str, project: Path, state: Path) -> Path:
    """The folder with the model that `revision` committed.

    Args:
        revision: anything git names a commit by.
        project: the folder with dvc.yaml.
        state: where models are kept once they have been brought, by commit.

    Raises:
        GanflowError: git does not know the revision, or DVC does not have its weights.
    """
    commit = _commit(revision, project)
    folder = state / "models" / commit
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{commit}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        get = [sys.executable, "-m", "dvc", "get", "--quiet", "--rev", commit, "--out", str(draft)]
        brought = _run([*get, ".", MODEL.as_posix()], project)
        if brought.returncode != 0 or not (draft / "card.json").is_file():
            raise GanflowError(
                f"the model of {revision} cannot be brought: {_last_line(brought.stderr)}",
                where=f"{MODEL.as_posix()} at {commit[:12]}",
                expected="a revision whose model was built, and pushed or kept in the cache",
                run=f"dvc fetch --all-commits, or git checkout {commit[:12]} && dvc repro",
            )
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _commit(revision: str, project: Path) -> str:
    asked = [
        "git",
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
    ]
    found = _run(asked, project)
    if found.returncode != 0:
        raise GanflowError(
            f"git knows no revision {revision!r}",
            where=str(project),
            expected="a commit, a branch or a tag",
            run="git log --oneline -- dvc.lock (lists those with a model)",
        )
    return found.stdout.strip()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    quiet = {"DVC_NO_ANALYTICS": "1", "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **quiet},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _last_line(text: str) -> str:
    """What went wrong, as DVC says it: its last line may be where to ask for help."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith("ERROR: ")] or lines
    return wrong[-1].removeprefix("ERROR: ") if wrong else "no model in that revision"
