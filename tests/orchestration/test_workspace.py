"""A workspace shares the DVC settings of its clone."""

from collections.abc import Callable
from pathlib import Path

from ganflow.orchestration.workspace import workspace
from tests.flows.conftest import dvc, run

Here = Callable[[Path], None]


def test_relative_remotes_are_the_same_place_in_a_workspace(shared: Path, here: Here) -> None:
    here(shared)
    dvc("remote", "add", "--local", "near", "../near", cwd=shared)
    (shared / ".." / "near").mkdir()
    head = run("git", "rev-parse", "HEAD", cwd=shared).strip()
    with workspace(shared, "one", head) as folder:
        dvc("checkout", "--quiet", cwd=folder)
        dvc("push", "--quiet", "--remote", "near", cwd=folder)
    assert list((shared.parent / "near").rglob("*"))
