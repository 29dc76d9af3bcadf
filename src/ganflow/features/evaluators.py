"""Train the classifiers whose features measure every model of a prepared set, and test them."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ganflow.base.runtime import has_bfloat16
from ganflow.base.store import Store
from ganflow.config.extractor import ExtractorParams
from ganflow.features.classifier import Lessons, epochs_for
from ganflow.features.extractor import accuracy, clusters, save_extractor, train_extractor
from ganflow.features.mirror import mirror_accuracy
from ganflow.features.planted_faults import MOST_HELD_OUT, describe_test, distances_over_real
from ganflow.metrics.frechet import frechet_distance

SECOND = "second"
"""The folder, in that of the first extractor, of the one that checks it."""

FEW = 30_000
"""Training images below which the classifiers see them augmented, for twice the epochs."""


def train_extractors(
    store: Store,
    extractor: ExtractorParams,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train on the train split, twice, and write both: the second one, in `second/`, checks the
    first.

    `runtime.precision` is for the GAN. Here learning uses bfloat16 products where the processor
    has them, and describing is always float32.
    """
    train, test = store.split("train"), store.split("test")
    held_out, groups = _held_out(store)
    mirrored = mirror_accuracy(train.images, held_out, bfloat16=has_bfloat16())
    print(f"a classifier tells {mirrored:.1%} of held-out images from their mirror images")
    for name, place, seed in (
        ("extractor", folder, extractor.seed),
        ("second extractor", folder / SECOND, extractor.seed + 1),
    ):
        trained = train_extractor(
            train.images,
            train.labels,
            store.classes,
            extractor.features,
            lessons_for(extractor, len(train.images), seed),
            source=store.card["sha256"],
            what=name,
            callbacks=callbacks,
        )
        found = accuracy(trained, test.images, test.labels)
        faults = distances_over_real(
            trained.features_of, frechet_distance, train.images, held_out, groups
        )
        save_extractor(
            place,
            trained,
            test_accuracy=found,
            planted_faults=faults,
            mirror_accuracy=mirrored,
        )
        print(f"{name}: {found:.2%} right on the test split; {describe_test(faults)}")


def lessons_for(extractor: ExtractorParams, images: int, seed: int) -> Lessons:
    """How a classifier learns from so many training images."""
    augment, epochs = images < FEW, extractor.epochs
    if epochs == "auto":
        epochs = epochs_for(images) * (2 if augment else 1)
    return Lessons(seed, epochs, extractor.batch, extractor.learning_rate, has_bfloat16(), augment)


def _held_out(store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Images of validation and test together, in random order, and their classes or clusters."""
    splits = [store.split(name) for name in ("validation", "test")]
    images = np.concatenate([split.images[:MOST_HELD_OUT] for split in splits])
    if store.classes:
        labels = [split.labels[:MOST_HELD_OUT] for split in splits if split.labels is not None]
        groups = np.concatenate(labels)
    else:
        groups = clusters(images)
    order = np.random.default_rng(0).permutation(len(images))[:MOST_HELD_OUT]
    return images[order], groups[order]
