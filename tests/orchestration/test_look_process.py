"""A look in a child process: the newest files, and what the child says if it cannot."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.images import write_png
from ganflow.config.data import DataParams
from ganflow.data.prepare import prepare
from ganflow.incoming.drift import Levels
from ganflow.orchestration import look_process
from ganflow.orchestration.look_process import look_in_child
from ganflow.orchestration.processes import CommandError
from ganflow.orchestration.watched_folder import file_states


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / "state"))
    numbers = np.random.default_rng(0)
    for name in ("dark", "bright"):
        low = 0 if name == "dark" else 128
        for number in range(40):
            image = numbers.integers(low, low + 128, (12, 12, 1), dtype=np.uint8)
            write_png(tmp_path / f"data/raw/noise/{name}/{number}.png", image)
    (tmp_path / "params.yaml").write_text("data: {source: noise}\n")
    (tmp_path / "data/prepared").mkdir()
    data = DataParams(source="noise")
    prepare(data, tmp_path / "data/raw", tmp_path / "data/prepared", workers=0)
    return tmp_path


def test_the_newest_files_are_measured_in_a_child(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_process, "WINDOW", 3)
    arrivals = project / "arrivals"
    for number, name in enumerate(("dark", "dark", "bright", "grey", "grey")):
        write_png(arrivals / name / f"{number}.png", np.full((12, 12, 1), 9 * number, np.uint8))
    found = look_in_child(project, arrivals, file_states(arrivals), Levels(), print)
    assert (found.files, found.images) == (3, 3)
    assert found.new_classes == {"grey": 2}
    assert not list((project / "state").iterdir()), "the copies are gone"


def test_a_child_that_cannot_measure_says_why(project: Path) -> None:
    (project / "data/prepared/dataset.json").write_text("{}")
    with pytest.raises(CommandError, match="this is not a data card"):
        look_in_child(project, project / "data/raw/noise", {}, Levels(), print)
