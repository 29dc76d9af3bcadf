"""What a viewer is told: everything once, in order, whenever it comes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganflow.live import reading, run_folder
from ganflow.live.reading import LiveReader, newest_run, snapshots_of
from ganflow.live.run_folder import DONE, FAILED, RunFolder


class Viewer:
    """Keeps what it is told, as the page does."""

    def __init__(self, home: Path) -> None:
        self.reader = LiveReader(home)
        self.runs: dict[str, dict[str, Any]] = {}

    def look(self) -> int:
        """Returns how many messages there were."""
        messages = list(self.reader.news())
        for message in messages:
            run = self.runs.setdefault(message["run"], {"history": [], "quality": []})
            if "gone" in message:
                del self.runs[message["run"]]
            elif "table" in message:
                before = [] if message["anew"] else run[message["table"]]
                run[message["table"]] = before + message["rows"]
            else:
                run |= {key: value for key, value in message.items() if key != "run"}
        return len(messages)


def grown(run: RunFolder, blocks: range) -> None:
    for block in blocks:
        run.add_row("history", {"images": block, "loss": 1 / (1 + block)})


def test_one_who_comes_late_sees_what_one_from_the_first_second_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "MOST_ROWS", 40)
    monkeypatch.setattr(reading, "AT_ONCE", 7)
    early = Viewer(tmp_path / "live")
    assert early.look() == 0
    run = RunFolder(tmp_path / "live", "train")
    for block in range(0, 300, 5):
        grown(run, range(block, block + 5))
        if block % 100 == 0:
            run.add_picture(block, np.zeros((8, 8, 1), np.uint8))
            run.add_row("quality", {"images": block, "fd": 3.0})
        early.look()
    late = Viewer(tmp_path / "live")
    late.look()
    assert late.runs == early.runs
    (seen,) = late.runs.values()
    assert seen["pictures"] == [0, 100, 200]
    assert [row[0] for row in seen["quality"]] == [0, 100, 200]
    assert 20 <= len(seen["history"]) <= 40
    assert late.look() == 0
    assert seen["about"]["state"] == "running"
    run.end(DONE)
    assert late.look() == 1
    assert seen["about"]["state"] == "done"
    assert late.look() == 0


def test_half_a_row_is_not_told_and_no_number_is_none(tmp_path: Path) -> None:
    run, viewer = RunFolder(tmp_path, "train"), Viewer(tmp_path)
    run.add_row("history", {"images": 1, "loss": float("nan"), "memory": None})
    with (run.folder / "history.csv").open("a") as stream:
        stream.write("2,0.")
        stream.flush()
        viewer.look()
        (seen,) = viewer.runs.values()
        assert seen["history"] == [[1.0, None, None]]
        stream.write("5,7\n")
    viewer.look()
    (seen,) = viewer.runs.values()
    assert seen["history"] == [[1.0, None, None], [2.0, 0.5, 7.0]]
    run.end(DONE)


def test_a_run_whose_process_died_is_lost_and_an_error_is_told(tmp_path: Path) -> None:
    failed, dead = (RunFolder(tmp_path, what) for what in ("train", "extractor"))
    failed.end(FAILED, "the discriminator's logits have exploded")
    viewer = Viewer(tmp_path)
    viewer.look()
    assert [run["about"]["state"] for run in viewer.runs.values()] == ["failed", "running"]
    assert "exploded" in viewer.runs[failed.folder.name]["about"]["error"]
    dead.lock.close()  # as the system does for a process that is killed
    viewer.look()
    assert viewer.runs[dead.folder.name]["about"]["state"] == "lost"


def test_a_run_that_was_removed_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "MOST_RUNS", 1)
    viewer = Viewer(tmp_path)
    RunFolder(tmp_path, "train").end(DONE)
    viewer.look()
    (old,) = viewer.runs
    RunFolder(tmp_path, "train").end(DONE)
    viewer.look()
    assert len(viewer.runs) == 1
    assert old not in viewer.runs


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "20260101-x").mkdir()
    (tmp_path / "20260101-x/run.json").write_text("{")
    assert Viewer(tmp_path).look() == 0


def test_the_snapshots_of_the_newest_run_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for project, distances in (("a", [9.0]), ("b", [7.0]), ("a", [5.0, 4.25])):
        (tmp_path / project).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / project)
        run = RunFolder(tmp_path, "train")
        for number, distance in enumerate(distances):
            run.add_row("quality", {"images": 1000 * (number + 1), "fd": distance})
    RunFolder(tmp_path, "extractor")
    with (run.folder / "quality.csv").open("a") as stream:
        stream.write("3000,3")
    newest = newest_run(tmp_path, "train", tmp_path / "a")
    assert newest == run.folder
    assert snapshots_of(newest) == [(1000, 5.0), (2000, 4.25)]
    assert newest_run(tmp_path, "extractor", tmp_path / "b") is None
    assert snapshots_of(tmp_path / "none") == []
