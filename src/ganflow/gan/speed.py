"""How fast this machine trains, by a short measurement with the real networks and batches."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganflow.config.train import TrainParams
from ganflow.gan.batches import Batches
from ganflow.gan.snapshots import BATCH, IMAGES, SnapshotEvaluator
from ganflow.gan.trainer import Trainer

LEAST_SECONDS = 2.0
"""For which work is repeated until its speed is known."""

FURTHER = 4 * BATCH
"""Images by which the second of two measured snapshots is larger."""


@dataclass(frozen=True)
class Pace:
    """Seconds that work takes.

    Attributes:
        start: of the first call alone, which compiles.
        item: of each item.
    """

    start: float
    item: float


def pace(work: Callable[[int], object], few: int, items: int) -> Pace:
    """Measure `work`, a function of the number of items, on `few` items and then on `items`."""
    first, spent, calls = seconds_of(lambda: work(few)), 0.0, 0
    while spent < LEAST_SECONDS:
        spent, calls = spent + seconds_of(lambda: work(items)), calls + 1
    item = spent / (calls * items)
    return Pace(max(0.0, first - few * item), item)


def seconds_of(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


@dataclass(frozen=True)
class Speed:
    """Seconds of a training's parts: its start, each image and each snapshot."""

    start: float
    image: float
    snapshot: float

    def seconds(self, train: TrainParams) -> float:
        """Of a whole training."""
        return self.besides(train) + train.images * self.image

    def images(self, seconds: float, train: TrainParams) -> int:
        """As many whole batches of images as fit, less than none where too few seconds are left."""
        left = seconds - self.besides(train)
        return int(left / self.image) // train.batch * train.batch

    def least(self, train: TrainParams) -> float:
        """Seconds of the shortest training that `train.images` allows."""
        return self.besides(train) + max(train.batch, 64) * self.image

    def besides(self, train: TrainParams) -> float:
        """Of everything but the images."""
        return self.start + len(train.snapshot_steps()) * self.snapshot


def training_speed(trainer: Trainer, batches: Batches, evaluator: SnapshotEvaluator) -> Speed:
    """Measure some steps and three small snapshots, on networks that are not used further."""
    # A penalty is due at some steps only: a whole cycle has the mean of all.
    cycle = max((penalty.interval for _, penalty in trainer.penalties), default=1)
    done = 0

    def train(steps: int) -> None:
        nonlocal done
        batch = trainer.params.batch
        for images, labels in batches.blocks(done * batch, [steps * batch]):
            trainer.train_steps(images, labels, np.int64(done)).numpy()
        done += steps

    steps = pace(train, 1, cycle)
    first, small, larger = (
        seconds_of(lambda count=count: evaluator.snapshot(0, count))  # type: ignore[misc]
        for count in (BATCH, BATCH, BATCH + FURTHER)
    )
    image = max(0.0, larger - small) / FURTHER
    return Speed(
        steps.start + max(0.0, first - small),
        steps.item / trainer.params.batch,
        small + (IMAGES - BATCH) * image,
    )
