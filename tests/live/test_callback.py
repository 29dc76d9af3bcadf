"""The callback in a real training: what it writes, and that the training does not notice."""

import csv
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ganflow.base.errors import GanflowError, TrainingError
from ganflow.base.images import image_grid, read_picture
from ganflow.config.train import TrainParams
from ganflow.features import classifier
from ganflow.features.classifier import Lessons
from ganflow.gan import training
from ganflow.gan.batches import Batches
from ganflow.gan.networks.design import Design
from ganflow.gan.snapshots import SnapshotEvaluator
from ganflow.gan.trainer import Trainer
from ganflow.gan.training import History
from ganflow.gan.workers import SINGLE
from ganflow.live import callback
from ganflow.live.callback import MEASURED, LiveLog
from ganflow.live.run_folder import RunFolder, runs_in
from tests.gan.tiny import extractor, images
from tests.live.told import told

BATCH, STEPS = 8, 130


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs are written."""
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path))
    return tmp_path / "live"


def train(callbacks: Sequence[keras.callbacks.Callback]) -> tuple[Trainer, History]:
    """A real training."""
    params = TrainParams(images=BATCH * STEPS, batch=BATCH, ema_half_life=64, snapshots=3)
    trainer = Trainer(Design("lean", (8, 8, 1), 2, 6), params, "float32", 3)
    evaluator = SnapshotEvaluator(trainer, extractor(), images(60, 1)[0], [0.5, 0.5], 3)
    pixels, labels = images(200, 0)
    history = training.train(
        trainer, Batches(pixels, labels, 3), evaluator, None, SINGLE, callbacks, 0.25
    )
    return trainer, history


def about(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text()))


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def same(left: tuple[Trainer, History], right: tuple[Trainer, History]) -> bool:
    """Whether two trainings ended with the same bytes."""
    (one, first), (other, second) = left, right
    return (
        first.rows == second.rows
        and first.quality == second.quality
        and all(np.array_equal(value, other.state()[name]) for name, value in one.state().items())
        and all(
            np.array_equal(first.pictures[seen], second.pictures[seen]) for seen in first.pictures
        )
    )


def test_all_that_is_known_is_written_and_shapes_nothing(home: Path) -> None:
    with LiveLog("train") as log:
        (run,) = runs_in(home)
        assert about(run)["state"] == "running"
        live = train([log])
    said, history = about(run), live[1]
    assert (said["state"], said["total"], said["baseline"]) == ("done", BATCH * STEPS, 0.25)
    rows = table(run / "history.csv")
    assert set(rows[0]) == {*history.logs(), *MEASURED} - {"fd"}
    assert [float(row["images"]) for row in rows] == [row[0] for row in history.rows]
    for row, values in zip(rows, history.rows, strict=True):
        assert float(row["generator_loss"]) == pytest.approx(values[1], rel=1e-4)
        assert float(row["images_per_second"]) > 0
    found = [(int(row["images"]), float(row["fd"])) for row in table(run / "quality.csv")]
    assert found == [(seen, pytest.approx(fd, rel=1e-4)) for seen, fd in history.quality]
    for seen, picture in history.pictures.items():
        written = read_picture(run / "pictures" / f"{seen:012d}.png")
        np.testing.assert_array_equal(written, image_grid(picture, 10))
    assert runs_in(home) == [run]
    assert same(live, train([]))


def test_a_resumed_training_is_shown_from_its_start(home: Path) -> None:
    history = History()
    with suppress(KeyboardInterrupt), LiveLog("train") as log:
        told([log], history, range(5))
        raise KeyboardInterrupt
    with LiveLog("train") as log:
        told([log], history, range(5, 10))
    killed, run = runs_in(home)
    assert about(killed)["state"] == "stopped"
    rows = table(run / "history.csv")
    assert [float(row["images"]) for row in rows] == [row[0] for row in history.rows]
    assert [float(row["real_logit"]) for row in rows] == [row[3] for row in history.rows]
    assert [bool(row["seconds"]) for row in rows] == [False] * 5 + [True] * 5
    assert about(run)["resumed"] == 500
    assert [row["images"] for row in table(run / "quality.csv")] == ["300", "600", "900"]
    assert len(list(run.glob("pictures/*.png"))) == 3


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (TrainingError("the logits have exploded", run="dvc checkout"), "failed", "dvc checkout"),
        (ValueError("of a callback"), "failed", "ValueError: of a callback"),
        (KeyboardInterrupt(), "stopped", "interrupted"),
    ],
)
def test_what_ended_it_is_written(home: Path, error: BaseException, state: str, said: str) -> None:
    with pytest.raises(type(error)), LiveLog("train"):
        raise error
    (run,) = runs_in(home)
    assert about(run)["state"] == state
    assert said in about(run)["error"]


def test_a_full_disk_costs_the_log_and_not_the_training(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    history = History()
    with LiveLog("train") as log:
        monkeypatch.setattr(RunFolder, "add_row", full)
        told([log], history, range(10))
    assert len(history.rows) == 10
    assert capsys.readouterr().out.count("No space left on device") == 1
    assert about(runs_in(home)[0])["state"] == "done"


def test_a_folder_that_cannot_be_made_is_said_once(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write_text("a file where the folder should be")
    with LiveLog("train") as log:
        told([log], History(), range(10))
    assert capsys.readouterr().out.count("nothing more is written for /live") == 1


def test_a_state_folder_that_cannot_be_made_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> Path:
        raise GanflowError("the state folder cannot be made")

    monkeypatch.setattr(callback, "state_folder", refused)
    with LiveLog("train"):
        pass
    assert "the state folder cannot be made" in capsys.readouterr().out


def test_classifiers_are_runs_of_their_own(home: Path) -> None:
    pixels, labels = images(200, 0)
    lessons = Lessons(0, 2, 20, 0.002, bfloat16=False)
    learnt = []
    with LiveLog("extractor") as log:
        for what in ("extractor", "second extractor"):
            learnt.append(
                classifier.train(pixels, labels, 16, 2, lessons, what=what, callbacks=[log])
            )
    first, second = runs_in(home)
    assert (about(first)["what"], about(second)["what"]) == ("extractor", "second extractor")
    assert about(first)["state"] == about(second)["state"] == "done"
    assert about(first)["total"] == 400
    assert table(first / "history.csv")[-1]["images"] == "400"
    plain = classifier.train(pixels, labels, 16, 2, lessons)
    for name, weights in plain.items():
        np.testing.assert_array_equal(learnt[0][name], weights)


def test_a_training_that_diverged_ends_with_its_warning(home: Path) -> None:
    history = History(diverged="a loss is no longer a number, after 5 images")
    with LiveLog("train") as log:
        told([log], history, range(3))
    assert about(runs_in(home)[0])["state"] == "done"
    assert "no longer a number" in about(runs_in(home)[0])["error"]
