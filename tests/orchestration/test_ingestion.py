"""Incoming data is added to the workspace and tracked by DVC."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import GanflowError
from ganflow.base.images import write_png
from ganflow.data.rejects import Reject
from ganflow.orchestration.flows.retrain import retrain
from ganflow.orchestration.ingestion import quarantine
from tests.flows.conftest import cloned, dvc, proposed, run

Here = Callable[[Path], None]


def test_incoming_data_moves_a_source_from_git_to_dvc(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/images.txt").write_text("more images\n")

    here(lenient)
    state = retrain(return_state=True, incoming=str(tmp_path / "new"))
    assert state.name == "Proposed", state.message
    (branch,) = proposed(lenient)
    clone = cloned(branch, tmp_path)
    assert not (clone / "data/raw/mnist").exists()
    dvc("pull", "--quiet", cwd=clone)
    assert (clone / "data/raw/mnist/images.txt").read_text() == "more images\n"
    assert (clone / "data/prepared/file.txt").read_text() == "more images\nprepare\n"


def test_a_file_that_prepare_would_not_use_is_left_out_and_kept_with_its_reason(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    for number in range(4):
        write_png(tmp_path / f"new/{number}.png", np.full((12, 12, 1), 60 * number, np.uint8))
    broken = (tmp_path / "new/3.png").read_bytes()[:50]
    (tmp_path / "new/3.png").write_bytes(broken)
    (tmp_path / "new/images.txt").write_text("more images\n")

    here(lenient)
    state = retrain(
        return_state=True, incoming=str(tmp_path / "new"), cause="new_class: `owl`\n# (3)"
    )
    assert state.name == "Proposed", state.message
    (branch,) = proposed(lenient)
    clone = cloned(branch, tmp_path)
    assert "**Started by**: `new_class: 'owl' # (3)`" in run("git", "log", "-1", cwd=clone)
    new = run("git", "log", "--format=%s", "origin/HEAD..", cwd=clone).splitlines()
    assert [line.partition(":")[0] for line in new] == ["Retrain", "Data"]
    assert new[1] == "Data: 3 images into mnist"
    changed = run("git", "show", "--format=", "--name-only", "HEAD~1", cwd=clone).split()
    assert set(changed) <= {
        "data/raw/.gitignore",
        "data/raw/mnist.dvc",
        "data/raw/mnist/images.txt",
    }
    assert "data/raw/mnist.dvc" in changed
    dvc("pull", "--quiet", cwd=clone)
    raw = clone / "data/raw/mnist"
    assert sorted(path.name for path in raw.iterdir()) == ["0.png", "1.png", "2.png", "images.txt"]
    kept, reason = sorted((lenient / ".ganflow/quarantine/mnist").iterdir())
    assert kept.read_bytes() == broken == (tmp_path / "new/3.png").read_bytes()
    assert reason.name == f"{kept.name}.reason.txt"
    assert reason.read_text().startswith("3.png: unreadable: ")


def test_a_quarantine_keeps_every_version_and_leaves_archives_to_prepare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / "state"))
    rejects = [Reject("cat/1.png", "empty", "it is empty"), Reject("in.zip/2.png", "name", "no")]
    (tmp_path / "new/cat").mkdir(parents=True)
    for content in (b"", b"x"):
        (tmp_path / "new/cat/1.png").write_bytes(content)
        assert quarantine(tmp_path / "new", rejects, "pets") == ["cat/1.png"]
    kept = [p for p in (tmp_path / "state/quarantine/pets/cat").iterdir() if p.suffix == ".png"]
    assert sorted(path.read_bytes() for path in kept) == [b"", b"x"]


def test_a_link_in_incoming_data_is_refused(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/images.txt").symlink_to("/etc/hostname")
    here(lenient)
    with pytest.raises(GanflowError, match="neither a folder nor a file"):
        retrain(return_state=True, incoming=str(tmp_path / "new")).result()
    assert proposed(lenient) == []
