"""Progress lines become a progress artifact."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.files import write_json, write_text
from ganflow.base.images import write_png
from ganflow.orchestration import stage_task
from ganflow.orchestration.stage_task import SnapshotsArtifact, percentage


def test_progress_lines_are_those_that_ganflow_writes(capsys: pytest.CaptureFixture[str]) -> None:
    from ganflow.base import progress

    shown = progress._Lines("train", 200, "images")
    shown.printed = -1e9
    shown.advance(50, fd=3.25)
    assert percentage(capsys.readouterr().out) == 25.0
    assert percentage("progress: none") is None
    assert percentage("loss 3/4 images") is None


def test_the_snapshots_of_this_training_are_shown_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path))
    made: list[tuple[str, str]] = []
    monkeypatch.setattr(
        stage_task, "create_markdown_artifact", lambda page, key, about: made.append((key, page))
    )
    run = tmp_path / "live/train"
    quality = run / "quality.csv"
    write_text(quality, "images,fd\n1000,9\n")
    about = {"what": "train", "project": str(tmp_path), "baseline": 0.5}
    write_json(run / "run.json", about)
    artifact = SnapshotsArtifact("train", tmp_path)
    artifact.begun += 100
    artifact.refresh()
    assert made == [], "they are of an earlier run"
    artifact.begun -= 200
    (run / "pictures").mkdir()
    write_png(run / "pictures/000000001000.png", np.zeros((2, 2, 1), np.uint8))
    for _ in range(2):
        artifact.refresh()
    write_text(quality, "images,fd\n1000,9\n2000,4.25\n")
    artifact.refresh()
    assert [key for key, _ in made] == ["train-snapshots"] * 2
    first, last = (page for _, page in made)
    assert first.startswith("![Images of the last snapshot](data:image/png;base64,")
    assert "| 2,000 | 4.25 |" in last
    assert "| real images | 0.5 |" in last
    SnapshotsArtifact("prepare", tmp_path).refresh()
