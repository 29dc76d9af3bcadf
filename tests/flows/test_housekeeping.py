"""Housekeeping removes what is stale and keeps what is used."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganflow.orchestration.flows.housekeeping import housekeeping
from ganflow.orchestration.workspace import BusyError, project_lock, workspace
from tests.flows.conftest import dvc, run

Here = Callable[[Path], None]


def age(folder: Path, days: float) -> None:
    then = time.time() - days * 86_400
    for path in [*folder.iterdir(), folder]:
        os.utime(path, (then, then), follow_symlinks=False)


def left_behind(project: Path, name: str, commit: str) -> None:
    """The workspace of a run that failed."""

    def fail() -> None:
        with workspace(project, name, commit):
            raise KeyError(name)

    with pytest.raises(KeyError):
        fail()


@pytest.mark.slow
def test_housekeeping_removes_only_unused_files(shared: Path, here: Here) -> None:
    here(shared)
    head = run("git", "rev-parse", "HEAD", cwd=shared).strip()
    for name in ("old", "new"):
        left_behind(shared, name, head)
    kept = shared / ".ganflow/workspaces/new"
    (kept / "params.yaml").write_text("seed: 9\ntrain: {images: 300}\n")
    dvc("repro", "--quiet", "train", cwd=kept)
    checkpoint = shared / ".ganflow/checkpoints/abc"
    checkpoint.mkdir(parents=True)
    (checkpoint / "latest").write_text("x")
    age(shared / ".ganflow/workspaces/old", 20)
    age(checkpoint, 20)
    dvc("repro", "--quiet", cwd=shared)
    (shared / "params.yaml").write_text("seed: 77\ntrain: {images: 256}\n")
    dvc("repro", "--quiet", cwd=shared)
    run("git", "checkout", "--quiet", "dvc.lock", "params.yaml", "data", cwd=shared)
    dvc("checkout", "--quiet", "--force", cwd=shared)
    cache = shared / ".dvc/cache/files/md5"
    before = sorted(cache.rglob("*"))

    assert "would remove 2 folders" in housekeeping(return_state=True).message
    assert sorted(cache.rglob("*")) == before
    assert (shared / ".ganflow/workspaces/old").exists()

    assert "removed 2 folders" in housekeeping(dry_run=False, return_state=True).message
    assert not (shared / ".ganflow/workspaces/old").exists()
    assert not checkpoint.exists()
    assert len(list(cache.rglob("*"))) < len(before), "seed 77 is unused"
    run("rm", "-r", "data/model", cwd=kept)
    dvc("checkout", "--quiet", "train", cwd=kept)
    assert (kept / "data/model/file.txt").read_text().startswith("seed: 9")


def test_housekeeping_and_retraining_exclude_each_other(shared: Path, here: Here) -> None:
    here(shared)
    head = run("git", "rev-parse", "HEAD", cwd=shared).strip()
    with workspace(shared, "one", head), pytest.raises(BusyError, match="retraining is running"):
        housekeeping(return_state=True).result()
    with project_lock(exclusive=True), pytest.raises(BusyError), workspace(shared, "one", head):
        pass
