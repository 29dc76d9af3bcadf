"""The training loop: its history, when it stops, and that it resumes exactly."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ganflow.base.errors import TrainingError
from ganflow.config.train import TrainParams
from ganflow.gan import training
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoint, Checkpoints
from ganflow.gan.networks.design import Design
from ganflow.gan.objectives import OBJECTIVES
from ganflow.gan.snapshots import Snapshot, SnapshotEvaluator
from ganflow.gan.trainer import STEP_METRICS, Trainer
from ganflow.gan.training import History, _divergence
from ganflow.gan.workers import SINGLE
from tests.gan.tiny import extractor, images

BATCH, STEPS = 8, 130


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path))
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    return tmp_path


def new_evaluator(trainer: Trainer) -> SnapshotEvaluator:
    return SnapshotEvaluator(trainer, extractor(), images(60, 1)[0], [0.5, 0.5], 3)


def new_trainer(**params: Any) -> Trainer:
    train = TrainParams(
        **{"images": BATCH * STEPS, "batch": BATCH, "ema_half_life": 64, "snapshots": 3, **params}
    )
    return Trainer(Design("lean", (8, 8, 1), 2, 6), train, "float32", 3)


class Scripted:
    """An evaluator that measures nothing and returns given distances."""

    trainer: Trainer  # that of `run`

    def __init__(self, distances: list[float]) -> None:
        self.distances = iter(distances)

    def snapshot(self, seen: int) -> Snapshot:
        weights = {name: value.numpy() for name, value in self.trainer.kept_weights().items()}
        picture = np.random.default_rng(seen).integers(256, size=(80, 8, 8, 1)).astype(np.uint8)
        return Snapshot(seen, next(self.distances), picture, weights)


def run(trainer: Trainer, evaluator: Any, key: str = "key") -> History:
    pixels, labels = images(200, 0)
    evaluator.trainer = trainer
    return training.train(trainer, Batches(pixels, labels, 3), evaluator, Checkpoints(key))


class Killed(BaseException):
    """What the process would have been."""


class KilledAt(Checkpoints):
    """Checkpoints that end the process after so many saves."""

    def __init__(self, key: str, saves: int) -> None:
        super().__init__(key)
        self.left = saves

    def save(self, checkpoint: Checkpoint) -> None:
        super().save(checkpoint)
        self.left -= 1
        if not self.left:
            raise Killed


def test_interrupted_anywhere_it_ends_the_same() -> None:
    """Every block's end is tried: before, at and after a snapshot."""
    whole_trainer = new_trainer()
    whole = run(whole_trainer, new_evaluator(whole_trainer), "whole")
    pixels, labels = images(200, 0)
    trainer = new_trainer()
    for _ in range(20):
        trainer = new_trainer()
        try:
            source = Batches(pixels, labels, 3)
            evaluator = new_evaluator(trainer)
            parts = training.train(trainer, source, evaluator, KilledAt("parts", 1))
            break
        except Killed:
            continue
    assert parts.rows == whole.rows
    assert parts.quality == whole.quality
    assert whole.best is not None
    assert parts.best is not None
    assert parts.best.images == whole.best.images
    for name, weights in whole.best.weights.items():
        np.testing.assert_array_equal(parts.best.weights[name], weights)
    for seen, picture in whole.pictures.items():
        np.testing.assert_array_equal(parts.pictures[seen], picture)
    for name, variable in whole_trainer.state().items():
        np.testing.assert_array_equal(trainer.state()[name], variable)


LENGTHS = {"schedule": "cooldown", "cooldown": 30 * BATCH, "snapshot_every": 25 * BATCH}


def run_of(steps: int, keep: str, **params: Any) -> tuple[Trainer, History]:
    """A training of some steps that begins with what a shorter one has kept under a name."""
    trainer = new_trainer(images=BATCH * steps, **(LENGTHS | params))
    source = Batches(*images(200, 0), 3)
    evaluator, checkpoints = new_evaluator(trainer), Checkpoints(f"{keep}-{steps}")
    longer = Checkpoints(keep, "longer")
    history = training.train(trainer, source, evaluator, checkpoints, longer=longer)
    checkpoints.finish(Path("none"))
    return trainer, history


def test_a_training_made_longer_twice_equals_one_long_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for steps in (60, 110):
        run_of(steps, "kept")
    trainer, history = run_of(160, "kept")
    said = capsys.readouterr().out
    assert "resumed after 200 images" in said, "the last whole block before 30 of 60 steps"
    assert "resumed after 600 images" in said
    whole_trainer, whole = run_of(160, "nothing kept")
    assert "resumed" not in capsys.readouterr().out
    assert (history.rows, history.quality) == (whole.rows, whole.quality)
    for name, variable in whole_trainer.state().items():
        np.testing.assert_array_equal(trainer.state()[name], variable)
    assert whole.best is not None
    assert history.best is not None
    for name, weights in whole.best.weights.items():
        np.testing.assert_array_equal(history.best.weights[name], weights)


def test_a_shorter_training_begins_anew_and_leaves_the_later_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_of(110, "kept")
    run_of(60, "kept")
    assert "resumed" not in capsys.readouterr().out
    run_of(160, "kept")
    assert "resumed after 600 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    "params",
    [
        {"schedule": "linear"},
        {"snapshot_every": 0},
        {"penalties": {"r1": {"weight": 1.0, "final": 0.5}}},
    ],
)
def test_what_depends_on_the_length_keeps_nothing(params: dict[str, Any]) -> None:
    assert new_trainer(**LENGTHS | params).longer_from == 0
    assert new_trainer(**LENGTHS).longer_from == STEPS - 30


class Watching(keras.callbacks.Callback):
    """Notes what it is told, and stops the training at one block."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__()
        self.said: list[tuple[str, int, dict[str, float]]] = []
        self.stop_at = stop_at

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.said.append(("block", batch, dict(logs)))
        if batch == self.stop_at:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.said.append(("snapshot", epoch, dict(logs)))


def run_watched(distances: list[float], *callbacks: keras.callbacks.Callback) -> History:
    trainer, evaluator = new_trainer(), Scripted(distances)
    evaluator.trainer = trainer
    return training.train(trainer, Batches(*images(200, 0), 3), evaluator, None, SINGLE, callbacks)


def test_callbacks_are_told_of_blocks_and_snapshots() -> None:
    watching = Watching()
    history = run_watched([3.0, 2.0, 2.5], watching)
    blocks = [logs for what, _, logs in watching.said if what == "block"]
    snapshots = [(epoch, logs) for what, epoch, logs in watching.said if what == "snapshot"]
    assert [logs["images"] for logs in blocks] == [row[0] for row in history.rows]
    assert set(blocks[0]) == {"images", *STEP_METRICS}
    assert [(epoch, logs["images"], logs["fd"]) for epoch, logs in snapshots] == [
        (index, *seen) for index, seen in enumerate(history.quality)
    ]


def test_a_callback_stops_the_training_with_a_snapshot(capsys: pytest.CaptureFixture[str]) -> None:
    history = run_watched([3.0], Watching(stop_at=0))
    assert [images for images, _ in history.quality] == [history.rows[-1][0]]
    assert history.best is not None
    assert "a callback asked for it: stopped after" in capsys.readouterr().out


def test_the_early_stopping_of_keras(tmp_path: Path) -> None:
    stopping = keras.callbacks.EarlyStopping(monitor="fd", mode="min", patience=1)
    written = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    history = run_watched([2.0, 3.0, 1.0], stopping, written)
    assert [fd for _, fd in history.quality] == [2.0, 3.0]
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_history_is_by_images_seen() -> None:
    history = run(new_trainer(), Scripted([3.0, 2.0, 2.5]))
    seen = [row[0] for row in history.rows]
    assert seen == sorted(seen)
    assert seen[-1] == BATCH * STEPS
    assert all(len(row) == 1 + len(STEP_METRICS) for row in history.rows)
    marks = [
        BATCH * step
        for step in TrainParams(images=BATCH * STEPS, batch=BATCH, snapshots=3).snapshot_steps()
    ]
    assert [images for images, _ in history.quality] == marks
    assert list(history.pictures) == marks
    assert history.best is not None
    assert (history.best.images, history.best.fd) == (marks[1], 2.0)


def test_the_best_snapshot_is_kept() -> None:
    history = run(new_trainer(snapshots=4), Scripted([5.0, 2.0, 3.0, 4.0]))
    assert history.best is not None
    assert history.best.fd == 2.0
    assert history.since_best == 2


def test_patience() -> None:
    history = run(new_trainer(snapshots=6, patience=2), Scripted([5.0, 2.0, 3.0, 4.0, 1.0, 0.5]))
    assert [fd for _, fd in history.quality] == [5.0, 2.0, 3.0, 4.0]


def test_without_patience_it_goes_to_the_end() -> None:
    history = run(new_trainer(snapshots=5), Scripted([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert len(history.quality) == 5


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run(new_trainer(), Scripted([3.0, 2.0, 1.0]), "whole")

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("ganflow.gan.checkpoint.write_bytes", full)
    history = run(new_trainer(), Scripted([3.0, 2.0, 1.0]), "full")
    assert history.rows == whole.rows
    assert "could not be written" in capsys.readouterr().out


def poisoned(metrics: Iterator[list[float]], **params: Any) -> Trainer:
    trainer = new_trainer(**params)
    trainer.train_steps = lambda *_: np_tensor(next(metrics))  # type: ignore[assignment]
    return trainer


def np_tensor(values: list[float]) -> Any:
    class Metrics:
        def numpy(self) -> np.ndarray:
            return np.array(values, np.float32)

    return Metrics()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([float("nan"), 1.0, 0.0, 0.0, 0.1, 0.0], "no longer a number"),
        ([1.0, float("inf"), 0.0, 0.0, 0.1, 0.0], "no longer a number"),
        ([1.0, 1.0, 3e4, 0.0, 0.1, 0.0], "exploded"),
        ([1.0, 1.0, 0.0, -3e4, 0.1, 0.0], "exploded"),
    ],
)
def test_numbers_that_never_come_back_stop_it_and_name_the_step(
    bad: list[float], said: str
) -> None:
    good = [1.0, 1.0, 0.5, -0.5, 0.1, 0.0]
    with pytest.raises(TrainingError, match=said) as error:
        run(poisoned(iter([good, bad]), snapshots=1), Scripted([1.0]))
    assert "step 100" in str(error.value.where)  # the second block ends there
    assert "generator_loss" in error.value.what
    assert error.value.run is not None
    assert "params.yaml" in error.value.run


def test_a_real_explosion_is_caught() -> None:
    """A learning rate of 1 with a critic that nothing bounds."""
    rate = {"learning_rate": 1.0, "beta_1": 0.0, "beta_2": 0.9}
    trainer = new_trainer(
        objective="wasserstein", penalties={}, discriminator=rate, generator=rate, snapshots=1
    )
    with pytest.raises(TrainingError, match=r"exploded|no longer a number"):
        run(trainer, Scripted([1.0]))


def test_weights_that_the_last_update_broke_are_never_kept() -> None:
    class Broken(Scripted):
        def snapshot(self, seen: int) -> Snapshot:
            found = super().snapshot(seen)
            next(iter(found.weights.values()))[0] = np.nan
            return found

    with pytest.raises(TrainingError, match="weights are no longer numbers"):
        run(new_trainer(snapshots=1), Broken([1.0]))


@pytest.mark.parametrize("objective", [*OBJECTIVES, "mine:loss"])
@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([20.0, 1e-7, 30.0, -30.0, 0.1, 0.0], "the discriminator is perfect"),
        ([300.0, 250.0, -90.0, 90.0, 0.1, 0.0], "loss has exploded"),
        ([0.7, 1.4, 0.25, 0.25, 0.1, 0.0], "the same logit"),
    ],
)
def test_a_discriminator_that_is_perfect_or_has_equal_logits(
    objective: str, metrics: list[float], said: str
) -> None:
    """The twentieth such block ends the training; the loss of a critic, or one's own, may be 0."""
    history = History(rows=[[float(i), *metrics] for i in range(19)])
    assert not _divergence(history, objective)
    history.rows.append([19.0, *metrics])
    found = _divergence(history, objective)
    bounded = objective not in ("wasserstein", "mine:loss") or said == "the same logit"
    assert (said in found) if bounded else not found


def test_a_divergence_after_a_snapshot_ends_the_training_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good, bad = [1.0, 1.0, 0.5, -0.5, 0.1, 0.0], [1.0, float("nan"), 0.0, 0.0, 0.1, 0.0]
    history = run(poisoned(iter([good, good, bad])), Scripted([1.5] * 3))
    marks = [
        BATCH * step
        for step in TrainParams(images=BATCH * STEPS, batch=BATCH, snapshots=3).snapshot_steps()
    ]
    assert history.best is not None
    assert history.best.images == marks[0]
    assert "no longer a number" in history.diverged
    said = capsys.readouterr().out
    assert "WARNING: the training diverged" in said
    assert "params.yaml" in said


def test_a_generator_that_makes_one_image_of_every_latent() -> None:
    """One image for each class is a collapse too; a single such snapshot is borne."""

    class Collapsed(Scripted):
        def snapshot(self, seen: int) -> Snapshot:
            found = super().snapshot(seen)
            alike = np.tile(found.picture[:10], (8, 1, 1, 1))
            return replace(found, picture=alike if seen in self.at else found.picture)

        at: tuple[int, ...] = ()

    once, twice = Collapsed([1.0] * 3), Collapsed([1.0] * 3)
    marks = [
        BATCH * step
        for step in TrainParams(images=BATCH * STEPS, batch=BATCH, snapshots=3).snapshot_steps()
    ]
    once.at, twice.at = (marks[1],), (marks[1], marks[2])
    assert len(run(new_trainer(), once, "once").quality) == 3
    with pytest.raises(TrainingError, match="same image of every latent"):
        run(new_trainer(), twice, "twice")
