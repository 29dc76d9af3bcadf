"""The folder of a run: what it holds, that it stays small, and that a dead writer is told."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.images import read_picture
from ganflow.live import run_folder
from ganflow.live.run_folder import DONE, RunFolder, Table, is_held, runs_in


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def noise(seed: int, side: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(side, side, 3)).astype(np.uint8)


def test_rows_are_appended_and_what_was_there_stays(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.csv", ["images", "loss"])
    seen = b""
    for images in range(1, 50):
        table.add({"images": 64 * images, "loss": 1 / images})
        now = (tmp_path / "t.csv").read_bytes()
        assert now.startswith(seen)
        seen = now
    rows = rows_of(tmp_path / "t.csv")
    assert [int(row["images"]) for row in rows] == [64 * i for i in range(1, 50)]
    assert float(rows[2]["loss"]) == pytest.approx(1 / 3, rel=1e-5)


def test_a_long_training_has_few_rows_evenly_spaced(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.csv", ["images"])
    for images in range(100_000):
        table.add({"images": images})
    seen = [int(row["images"]) for row in rows_of(tmp_path / "t.csv")]
    assert run_folder.MOST_ROWS / 2 <= len(seen) <= run_folder.MOST_ROWS
    assert seen[0] == 0
    assert len(set(np.diff(seen))) == 1


def test_pictures_stay_few_evenly_spaced_and_the_ends_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "PICTURE_BYTES", 60_000)  # a dozen
    run = RunFolder(tmp_path, "train")
    for images in range(1, 101):
        run.add_picture(images, noise(images))
    pictures = sorted(run.folder.glob("pictures/*.png"))
    seen = [int(path.stem) for path in pictures]
    assert sum(path.stat().st_size for path in pictures) <= 60_000
    assert (seen[0], seen[-1]) == (1, 100)
    assert max(np.diff(seen)) <= 4 * min(np.diff(seen)[:-1])
    assert (read_picture(pictures[-1]) == noise(100)).all()
    run.end(DONE)


def test_old_runs_make_room_and_those_that_run_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "MOST_RUNS", 4)
    first = RunFolder(tmp_path, "train")
    for _ in range(6):
        RunFolder(tmp_path, "train").end(DONE)
    assert len(runs_in(tmp_path)) == 4
    assert runs_in(tmp_path)[0] == first.folder
    first.end(DONE)


def test_all_runs_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with two that run at once, each of which may still grow to its own bound."""
    monkeypatch.setattr(run_folder, "PICTURE_BYTES", 50_000)
    monkeypatch.setattr(run_folder, "RUN_BYTES", 60_000)
    monkeypatch.setattr(run_folder, "ALL_BYTES", 250_000)
    for _ in range(4):
        two = [RunFolder(tmp_path, "train") for _ in range(2)]
        for images in range(30):
            for run in two:
                run.add_picture(images, noise(images))
        size = sum(path.stat().st_size for path in tmp_path.rglob("*.png"))
        assert size <= 250_000
        for run in two:
            run.end(DONE)
    assert len(runs_in(tmp_path)) > 2


def test_the_newest_of_a_kind_has_a_fixed_path(tmp_path: Path) -> None:
    for what in ("train", "second extractor", "train"):
        run = RunFolder(tmp_path, what)
        run.add_row("history", {"images": 1, "loss": 2.5})
        run.end(DONE)
    assert (tmp_path / "train").resolve() == run.folder
    assert rows_of(tmp_path / "second-extractor/history.csv") == [{"images": "1", "loss": "2.5"}]
    assert len(runs_in(tmp_path)) == 3


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ganflow.live.run_folder import RunFolder\n"
        f"run = RunFolder(Path({str(tmp_path)!r}), 'train')\n"
        "print(run.folder, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert is_held(folder)
        os.kill(process.pid, signal.SIGKILL)
    assert not is_held(folder)
    assert json.loads((folder / "run.json").read_text())["state"] == "running"
