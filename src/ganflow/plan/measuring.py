"""Measures parts of some stages, in a process of its own: `python -m ganflow.plan.measuring`.

Networks, batches and images are those of the stages. The weights are untrained, which costs the
same. What is said on standard output is a line of JSON for each stage.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ganflow.base.runtime import configure, resolved
from ganflow.base.store import Split, SplitName, Store, open_store
from ganflow.config.params import Params, check
from ganflow.features import classifier, mirror
from ganflow.features.evaluators import lessons_for
from ganflow.features.extractor import (
    BATCH,
    SHAPES,
    TURNS,
    Extractor,
    clusters,
    turned,
)
from ganflow.features.planted_faults import MOST_HELD_OUT, MOST_TRAIN, distances_over_real
from ganflow.gan.defaults import Facts, choose
from ganflow.gan.fitting import TrainingSetup
from ganflow.gan.inputs import class_shares, design_for
from ganflow.gan.networks.build import build_generator
from ganflow.gan.saved import SavedGenerator
from ganflow.gan.snapshots import PICTURE_COLUMNS, PICTURE_ROWS
from ganflow.gan.speed import Pace, pace, seconds_of
from ganflow.memory import peak_memory
from ganflow.metrics.frechet import frechet_distance
from ganflow.metrics.fresh_classifiers import SEEDS
from ganflow.metrics.inception import Inception, weights_file
from ganflow.metrics.sample_evaluation import SECOND_TRAIN, Evaluator, evaluate_samples
from ganflow.stages.evaluate import PLANS, plan_for

PART = 4
"""The evaluator's test is measured on this part of its images."""

PARTS = (10, 5)
"""The evaluation is measured on these parts of each set, but on at least `FEWEST` images."""

FEWEST = 1500
"""More than the extrapolation of a distance over 128 features needs."""


@dataclass
class StageCost:
    """What a stage will take.

    Attributes:
        seconds: of its work, without starting its process.
        memory: of this process so far, in bytes.
        disk: of its outputs, in bytes.
        image: seconds of a training image; 0 of other stages.
    """

    seconds: float
    disk: int
    memory: int = 0
    image: float = 0.0
    notes: list[str] = field(default_factory=list)


class Sizes(NamedTuple):
    """Numbers of images that an evaluation compares."""

    samples: int
    train: int
    validation: int
    test: int


class Thinned(Store):
    """A store of which each split has no more than some first images, which are random ones."""

    sizes: dict[str, int]

    def split(self, name: SplitName) -> Split:
        whole, size = super().split(name), self.sizes[name]
        return Split(whole.images[:size], None if whole.labels is None else whole.labels[:size])


def extractor(store: Store, params: Params) -> StageCost:
    """Learning, describing and the test on planted faults; each is done for two extractors."""
    train, test = store.split("train"), store.split("test")
    count = len(train.images)
    learning, describing = learning_pace(store, params), describing_pace(store, params)
    lessons = lessons_for(params.extractor, count, 0)
    seen = min(count, mirror.MOST_IMAGES)
    passes = 2 * lessons.epochs * count + 2 * seen * mirror.epochs_for(seen)
    faults, described = planted_faults(store, params)
    described += len(test.images) * (1 if store.classes else TURNS)
    seconds = 3 * learning.start + passes * learning.item
    seconds += 2 * (describing.start + described * describing.item + faults)
    if not store.classes:
        some = max(1, count // PART)
        seconds += 3 * PART * seconds_of(lambda: clusters(train.images[:some]))
    weights = sum(array.nbytes for array in untrained(store, params).weights.values())
    return StageCost(seconds, 2 * weights)


def learning_pace(store: Store, params: Params) -> Pace:
    """Of a classifier that learns, per image."""
    split = store.split("train")
    lessons = lessons_for(params.extractor, len(split.images), 0)
    batch = min(lessons.batch, len(split.images))
    kinds = len(store.classes) or TURNS * SHAPES
    keras.utils.set_random_seed(0)
    model = classifier.network(
        store.shape, params.extractor.features, kinds, bfloat16=lessons.bfloat16
    )
    adam = keras.optimizers.Adam(lessons.learning_rate)
    adam.build(model.trainable_variables)
    turn = None if store.classes else lambda seen, wanted: turned(seen, wanted % TURNS)
    begin = time.monotonic()
    learn = classifier.learner(model, adam, 1000, (batch, *store.shape), turn, lessons.augment)
    traced = time.monotonic() - begin
    rng = np.random.default_rng(0)

    def steps(images: int) -> None:
        rows = rng.integers(0, len(split.images), (images // batch, batch))
        labels = rng.integers(0, kinds, rows.shape)
        learn(*map(tf.constant, (0, split.images[rows], labels))).numpy()

    found = pace(steps, batch, 4 * batch)
    return replace(found, start=traced + found.start)


def describing_pace(store: Store, params: Params) -> Pace:
    """Of an extractor that describes, per image."""
    images = np.resize(store.split("train").images[:BATCH], (BATCH, *store.shape))
    made: list[Extractor] = []
    traced = seconds_of(lambda: made.append(untrained(store, params)))
    found = pace(lambda _: made[0].describe(images), BATCH, BATCH)
    return replace(found, start=traced + found.start)


def planted_faults(store: Store, params: Params) -> tuple[float, int]:
    """Seconds of one extractor's test on planted faults, and how many images it describes."""
    held = [store.split(name).images[:MOST_HELD_OUT] for name in ("validation", "test")]
    real = np.concatenate(held)[:MOST_HELD_OUT]
    train = store.split("train").images[:MOST_TRAIN]
    rng, described = np.random.default_rng(0), 0

    def describe(images: np.ndarray) -> np.ndarray:
        nonlocal described
        described += len(images)
        return rng.standard_normal((len(images), params.extractor.features), np.float32)

    part = np.arange(max(1, len(real) // PART))
    seconds = seconds_of(
        lambda: distances_over_real(
            describe, frechet_distance, train[: len(train) // PART], real[part], part % 10
        )
    )
    return PART * seconds, PART * described


def untrained(store: Store, params: Params) -> Extractor:
    """An extractor that has learned nothing."""
    features = params.extractor.features
    model = classifier.network(store.shape, features, len(store.classes) or TURNS * SHAPES)
    weights = {variable.path: variable.numpy() for variable in model.trainable_variables}
    card = {"shape": store.shape, "features": features, "test_accuracy": 0.0}
    return Extractor(weights, card | {"classes": store.classes})


def train(store: Store, params: Params) -> StageCost:
    """Steps and snapshots."""
    # Whether images are mirrored, which is not known yet, costs next to nothing.
    facts = Facts(store.shape, store.card["splits"]["train"], 1.0)
    section, _ = choose(params.train, facts)
    setup = TrainingSetup(params.seed, params.runtime, params.model, section, store)
    speed = setup.speed(untrained(store, params))
    trainer = setup.trainer()
    networks = sum(4 * model.count_params() for model in (trainer.generator, trainer.discriminator))
    pictures = (
        len(section.snapshot_steps()) * PICTURE_ROWS * PICTURE_COLUMNS * int(np.prod(store.shape))
    )
    return StageCost(speed.seconds(section), networks + pictures, image=speed.image)


def sample(store: Store, params: Params) -> StageCost:
    """Generating."""
    design = design_for(params.model, store)
    shares = class_shares(store.split("train").labels, design.classes)
    card = {"design": asdict(design), "class_shares": shares}
    made: list[SavedGenerator] = []
    built = seconds_of(lambda: made.append(SavedGenerator(build_generator(design), card)))

    def generate(count: int) -> None:
        made[0].images(np.zeros((count, design.latent)), np.zeros(count))

    found, count = pace(generate, 250, 500), params.sample.images
    disk = count * (int(np.prod(store.shape)) + 8 * bool(design.classes))
    return StageCost(built + found.start + (count + 250) * found.item, disk)


def evaluate(store: Store, params: Params) -> StageCost:
    """The evaluation of two parts of the sets, from which that of the whole sets follows."""
    evaluation, (count, _) = params.evaluation, PLANS[params.evaluation.profile]
    describing = describing_pace(store, params)
    splits = store.card["splits"]
    whole = Sizes(count, splits["train"], splits["validation"], splits["test"])
    parts = [Sizes(*(min(n, max(FEWEST, n // part)) for n in whole)) for part in PARTS]
    (small, first), (larger, second) = (
        (size, evaluation_seconds(store, params, size, describing)) for size in parts
    )
    seconds = 2 * describing.start + _described(whole) * describing.item
    for name, work in WORK.items():
        done, more, all_of_it = work(small), work(larger), work(whole)
        rate = max(0.0, second[name] - first[name]) / (more - done) if more > done else 0.0
        seconds += second[name] + rate * (all_of_it - more)
    notes = []
    if evaluation.profile == "full":
        seconds += fresh_classifiers(store, params, whole)
    if evaluation.features == "inception":
        network = Inception(weights_file(Path("data/raw/inception"), evaluation.inception_weights))
        images = store.split("test").images[:10]
        described = pace(lambda _: network.describe(images), 10, 10)
        seconds += _described_second(whole) * described.item
        notes.append("evaluate: at least this; the distances of Inception's features are left out")
    return StageCost(seconds, 4 * 2**20, notes=notes)


def evaluation_seconds(
    store: Store, params: Params, sizes: Sizes, describing: Pace
) -> dict[str, float]:
    """Seconds of each part of an evaluation of so many images, without describing them."""
    some = Thinned(store.folder, store.card)
    object.__setattr__(some, "sizes", sizes._asdict())
    train = some.split("train")
    rows = np.arange(sizes.samples) % len(train.images)
    labels = None if train.labels is None else train.labels[rows]
    plan = plan_for(params.evaluation, params.runtime, sizes.samples)
    marks = [time.monotonic()]
    one = untrained(store, params)
    evaluate_samples(
        Evaluator(one, one),
        train.images[rows],
        labels,
        some,
        plan,
        False,
        lambda: marks.append(time.monotonic()),
    )
    spent = dict(zip(("describing", *WORK), np.diff(marks).tolist(), strict=False))
    spent["others"] -= _described_second(sizes) * describing.item
    return {name: max(0.0, spent[name]) for name in WORK}


WORK: dict[str, Callable[[Sizes], int]] = {
    "frechet": lambda n: min(n.samples, n.train),
    "kernel": lambda n: min(n.samples, n.train, n.test),
    "balls": lambda n: min(n.samples, n.train, n.test) ** 2,
    "classes": lambda n: n.samples,
    "memorization": lambda n: n.train * (n.samples + n.validation + n.test),
    "others": lambda n: n.samples + n.train,
}
"""What the seconds of a part grow with, in the order in which `evaluate_samples` does them."""


def _described(sizes: Sizes) -> int:
    """Images that the two extractors describe."""
    return sum(sizes) + _described_second(sizes)


def _described_second(sizes: Sizes) -> int:
    return sizes.samples + min(sizes.train, max(SECOND_TRAIN, sizes.samples)) + sizes.test


def fresh_classifiers(store: Store, params: Params, sizes: Sizes) -> float:
    """Seconds of the classifiers that the profile `full` trains on samples."""
    learning, count = learning_pace(store, params), min(sizes.samples, sizes.train)
    held = min(sizes.test, sizes.samples // 5)
    images = 2 * min(sizes.train, sizes.samples - held) + 2 * SEEDS * count * bool(store.classes)
    starts = 1 + 2 * SEEDS * bool(store.classes)
    return starts * learning.start + classifier.epochs_for(count) * images * learning.item


MEASURES: dict[str, Callable[[Store, Params], StageCost]] = {
    "extractor": extractor,
    "evaluate": evaluate,
    "sample": sample,
    "train": train,
}
"""By the name of the stage."""


def main() -> None:
    """Read what to measure as JSON from standard input, and print what was measured."""
    asked: dict[str, Any] = json.load(sys.stdin)
    params = check(asked["params"])
    configure(params.runtime)
    resolved(params.runtime.precision)
    print(json.dumps({"started": time.time() - asked["time"]}), flush=True)
    store = open_store(Path(asked["store"]))
    for stage in asked["stages"]:
        with contextlib.redirect_stdout(sys.stderr):
            found = MEASURES[stage](store, params)
        found.memory = peak_memory()
        print(json.dumps({"stage": stage, **asdict(found)}), flush=True)


if __name__ == "__main__":
    main()
