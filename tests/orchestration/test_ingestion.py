"""Incoming data is added to the workspace and tracked by DVC."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.orchestration.flows.retrain import retrain
from tests.flows.conftest import cloned, dvc, proposed

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


def test_a_link_in_incoming_data_is_refused(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/images.txt").symlink_to("/etc/hostname")
    here(lenient)
    with pytest.raises(GanflowError, match="neither a folder nor a file"):
        retrain(return_state=True, incoming=str(tmp_path / "new")).result()
    assert proposed(lenient) == []
