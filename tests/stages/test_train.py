"""The stage as DVC starts it: a real process, killed at random, and its outputs."""

import csv
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganflow.base.files import read_json
from ganflow.gan.saved import load_generator
from tests.gan.tiny import outputs, start, write_project


def finish(root: Path, **more: str) -> str:
    """Run the stage to its end; returns what it printed."""
    process = start(root, **more)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nothing interrupted."""
    root = write_project(tmp_path_factory.mktemp("whole"))
    finish(root)
    return root


def kill_after_saves(root: Path, saves: int, after: float, how: signal.Signals) -> bool:
    """Start the stage, kill it some time after its n-th checkpoint; False if it ended before."""
    process = start(root, GANFLOW_CHECKPOINT_SECONDS="0")
    seen: set[int] = set()
    while len(seen) < saves and process.poll() is None:
        for path in root.glob(".ganflow/checkpoints/*/latest"):
            try:
                seen.add(path.stat().st_mtime_ns)
            except FileNotFoundError:
                continue
        time.sleep(0.002)
    time.sleep(after)
    killed = process.poll() is None
    process.send_signal(how)
    process.communicate(timeout=60)
    return killed


def test_it_can_be_watched(whole: Path) -> None:
    """What is written meanwhile lies in the state folder, and in no output."""
    run = whole / ".ganflow/live/train"
    told = read_json(run / "run.json")
    assert (told["state"], told["total"]) == ("done", 960)
    assert told["baseline"] > 0
    with (
        (whole / "data/training/quality.csv").open() as written,
        (run / "quality.csv").open() as live,
    ):
        assert list(csv.DictReader(written)) == list(csv.DictReader(live))
    assert not [path for path in outputs(whole) if "live" in path]


@pytest.mark.slow
def test_killed_at_random_points_it_ends_in_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(8)
    root = write_project(tmp_path)
    killed = [
        kill_after_saves(root, chance.choice([1, 1, 2]), chance.uniform(0, 0.05), how)
        for how in (signal.SIGKILL, signal.SIGTERM)
    ]
    assert any(killed)
    if all(killed):
        assert not outputs(root)
        assert "resumed after" in finish(root)
    assert outputs(root) == outputs(whole)
    assert not list(root.glob(".ganflow/checkpoints/*"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_many_times(whole: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root = write_project(tmp_path)
    while kill_after_saves(root, chance.choice([0, 1, 1, 2]), chance.uniform(0, 6), signal.SIGKILL):
        pass
    finish(root)
    assert outputs(root) == outputs(whole)


def test_outputs(whole: Path) -> None:
    card = read_json(whole / "data/model/card.json")
    assert card["design"] == {
        "architecture": "lean",
        "shape": [8, 8, 1],
        "classes": 2,
        "latent": 6,
        "mapping": 0,
        "spectral_norm": False,
        "width": 32,
        "coarsest": 8,
    }
    assert "train.mirror" in card["chosen"]
    assert card["train"]["mirror"] is False
    assert card["class_names"] == ["left", "right"]
    assert sum(card["class_shares"]) == pytest.approx(1.0, abs=1e-9)
    generator = load_generator(whole / "data/model")
    assert card["parameters"]["generator"] == generator.model.count_params()
    images = generator.images(np.zeros((2, 6), np.float32), np.array([0, 1]))
    assert (images[0] != images[1]).any()

    with (whole / "data/training/quality.csv").open() as stream:
        quality = [(int(row["images"]), float(row["fd"])) for row in csv.DictReader(stream)]
    assert [images for images, _ in quality] == [320, 640, 960]
    best = min(quality, key=lambda row: row[1])
    assert card["snapshot"]["images"] == best[0]
    assert card["snapshot"]["validation_fd"] == pytest.approx(best[1], rel=1e-4)
    with (whole / "data/training/history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert int(rows[-1]["images"]) == 960
    pictures = sorted((whole / "data/training/progress").glob("*.png"))
    assert [int(path.stem) for path in pictures] == [320, 640, 960]
    with Image.open(pictures[-1]) as picture:
        assert picture.width >= 8 * 10


def test_no_output_names_a_time_or_a_place(whole: Path) -> None:
    for path, content in outputs(whole).items():
        assert str(whole).encode() not in content, path
        assert time.strftime("%Y-%m").encode() not in content, path


@pytest.mark.slow
def test_other_parameters_never_resume(whole: Path, tmp_path: Path) -> None:
    """A checkpoint with another schedule exists: `train` says so, and does not use it."""
    root = write_project(tmp_path)
    assert kill_after_saves(root, 1, 0.0, signal.SIGKILL)
    write_project(tmp_path, train={"schedule": "constant"})
    said = finish(root)
    assert "resumed" not in said
    assert "not used: the checkpoint in" in said
    assert read_json(root / "data/model/card.json")["train"]["schedule"] == "constant"
