"""A training on a prepared store: what the stage `train` and `ganflow.fit` have in common."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from ganflow.base.errors import ParameterError
from ganflow.base.runtime import RuntimeParams, resolved
from ganflow.base.store import Store
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams
from ganflow.features.extractor import Extractor
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoints
from ganflow.gan.defaults import Choice, choose, facts_of
from ganflow.gan.inputs import class_shares, design_for, training_inputs
from ganflow.gan.own_code import BUILT_IN, OwnCode, own_code
from ganflow.gan.snapshots import SnapshotEvaluator
from ganflow.gan.speed import Speed, training_speed
from ganflow.gan.start import Start, read_start
from ganflow.gan.trainer import Trainer
from ganflow.gan.training import History
from ganflow.gan.training import train as train_networks
from ganflow.gan.workers import SINGLE, Workers


@dataclass(frozen=True)
class TrainingSetup:
    """What shapes a training, and the data that it reads.

    Attributes:
        train: without `auto`, as `chosen` returns it.
        workers: in whose strategy the networks are made.
        own: networks and losses of the project's own code.
        start: the networks to start from; None for random ones.
    """

    seed: int
    runtime: RuntimeParams
    model: ModelParams
    train: TrainParams
    store: Store
    workers: Workers = SINGLE
    own: OwnCode = BUILT_IN
    start: Start | None = None

    def with_own_code(self, project: Path) -> "TrainingSetup":
        """The setup with the functions of the project's own code that its parameters name.

        Raises:
            GanflowError: as `ganflow.gan.own_code.own_code`.
        """
        design, precision = design_for(self.model, self.store), resolved(self.runtime.precision)
        own = own_code(self.model, self.train, design, precision, project)
        return replace(self, own=own)

    def with_start(self, model: Path) -> "TrainingSetup":
        """The setup with the networks of a model, whose folder it is, to start from.

        Raises:
            DataError: as `ganflow.gan.start.read_start`.
        """
        start = read_start(model, design_for(self.model, self.store), self.store.classes)
        print(start.said, flush=True)
        return replace(self, start=start)

    def inputs(self) -> dict[str, Any]:
        """Everything that shapes the training and must be the same on all workers."""
        start = self.start.sha256 if self.start else None
        return training_inputs(
            self.seed, self.runtime, self.model, self.train, self.store, self.own.files, start
        )

    def trainer(self) -> Trainer:
        design, precision = design_for(self.model, self.store), resolved(self.runtime.precision)
        with self.workers.strategy.scope():
            trainer = Trainer(design, self.train, precision, self.seed, self.own)
            if self.start:
                trainer.start_from(self.start)
            return trainer

    def batches(self) -> Batches:
        split = self.store.split("train")
        return Batches(split.images, split.labels, self.seed, self.train.mirror is True)

    def evaluator(self, trainer: Trainer, extractor: Extractor) -> SnapshotEvaluator:
        shares = class_shares(self.store.split("train").labels, trainer.design.classes)
        images = self.store.split("validation").images
        return SnapshotEvaluator(trainer, extractor, images, shares, self.seed)

    def speed(self, extractor: Extractor) -> Speed:
        """How fast this machine does it, measured."""
        start = time.monotonic()
        trainer = self.trainer()
        evaluator = self.evaluator(trainer, extractor)
        made = time.monotonic() - start
        speed = training_speed(trainer, self.batches(), evaluator)
        return replace(speed, start=made + speed.start)


def chosen(
    train: TrainParams, store: Store, extractor_card: Mapping[str, Any]
) -> tuple[TrainParams, dict[str, Choice]]:
    """The section without `auto`, and what was chosen for this set, which is printed."""
    train, choices = choose(train, facts_of(store, extractor_card))
    for name, choice in choices.items():
        announce(name, choice)
    return train, choices


def announce(name: str, choice: Choice) -> None:
    """Print what was chosen for a key of the section `train`."""
    print(
        f"train.{name}: {choice.value} ({choice.reason}; to change it, set train.{name} in "
        "params.yaml)",
        flush=True,
    )


def fit(
    setup: TrainingSetup,
    extractor: Extractor,
    checkpoints: Checkpoints | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    longer: Checkpoints | None = None,
) -> tuple[Trainer, History, list[float]]:
    """Train to the end.

    Args:
        extractor: computes the features by which snapshots are measured.
        checkpoints: from which the training resumes; None keeps none.
        callbacks: told as `ganflow.gan.training.train` says.
        longer: as there.

    Returns:
        the trainer after the last step, the history with the best snapshot, and the frequency of
        each class in the training split.
    """
    trainer = setup.trainer()
    evaluator = setup.evaluator(trainer, extractor)
    baseline = evaluator.baseline(setup.store.split("train").images) if callbacks else None
    history = train_networks(
        trainer,
        setup.batches(),
        evaluator,
        checkpoints,
        setup.workers,
        callbacks,
        baseline,
        longer,
    )
    return trainer, history, evaluator.shares


def within(
    setup: TrainingSetup, extractor: Extractor, minutes: float, since: float
) -> tuple[TrainingSetup, Choice]:
    """The setup with as many images as a training may see that is to end within some minutes.

    The speed is measured on networks that are not used further; the training has to compile again.

    Args:
        since: when the minutes began, by `time.monotonic`.

    Raises:
        ParameterError: not one batch fits.
    """
    speed = setup.speed(extractor)
    spent = time.monotonic() - since
    images = speed.images(60 * minutes - spent, setup.train)
    if images < max(setup.train.batch, 64):
        besides = spent + speed.besides(setup.train)
        raise ParameterError(
            f"minutes: {minutes:g} is too short: what is besides the training images, with "
            f"{len(setup.train.snapshot_steps())} snapshots, takes {besides / 60:.1f}",
            expected=f"more than {(spent + speed.least(setup.train)) / 60:.1f}",
            run="fit with more minutes, or with fewer images or train.snapshots",
        )
    choice = Choice(images, f"minutes: {minutes:g}, at {speed.image:.3g} seconds an image")
    announce("images", choice)
    return replace(setup, train=setup.train.model_copy(update={"images": images})), choice
