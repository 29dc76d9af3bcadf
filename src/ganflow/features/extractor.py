"""The features that every model is measured on.

An extractor is a small classifier trained on the train split alone, under a seed of its own:
the same evaluator for every GAN. Where the data has no labels it supervises itself: it tells how
far an image was turned (Gidaris, Singh and Komodakis 2018) and, jointly, which of 32 clusters of
pixels it came from (after Caron et al. 2018). Turns alone left features that did not notice a
digit being dropped: tests/metrics/test_faults.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganflow.base.environment import versions
from ganflow.base.errors import DataError
from ganflow.base.files import read_json, write_json
from ganflow.base.padded import padded_batches
from ganflow.base.weights import read_weights, write_weights
from ganflow.features import classifier
from ganflow.features.classifier import Lessons
from ganflow.features.clusters import centres, components
from ganflow.features.neighbours import nearest

WEIGHTS = "weights.safetensors"
CARD = "card.json"
BATCH = 500
TURNS = 4
SHAPES = 32
SHAPE_COMPONENTS = 32
SHAPE_VALUES = 1024
SHAPE_SAMPLE = 10_000


@dataclass(frozen=True)
class Description:
    """What an extractor sees in N images."""

    features: np.ndarray
    """float32 (N, d): the penultimate layer after its ReLU."""

    logits: np.ndarray
    """float32 (N, K), unnormalised log-probabilities of the classes (or of shapes and turns)."""


class Extractor:
    """A trained network with its card."""

    def __init__(self, weights: dict[str, np.ndarray], card: dict[str, Any]) -> None:
        height, width, channels = card["shape"]
        self.weights, self.card = weights, card
        self.shape = (int(height), int(width), int(channels))
        self.features = int(card["features"])
        self.classes = tuple(card.get("classes", ()))
        """Names of the data's classes; empty where the data has none."""

        self._model = model = classifier.network(
            self.shape, self.features, len(self.classes) or TURNS * SHAPES
        )
        for variable in model.trainable_variables:
            variable.assign(weights[variable.path])

        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[tf.TensorSpec((BATCH, *self.shape), tf.uint8)]
        )
        def describe(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            features, logits = model(classifier.scaled(images), training=False)
            return features, logits

        # Traced here, once: TensorFlow takes the first calls of many extractors for retracing.
        self._describe = describe.get_concrete_function()

    def features_of(self, images: np.ndarray) -> np.ndarray:
        """The features alone of 8-bit images (N, h, w, c): float32 (N, d)."""
        return self.describe(images).features

    def describe(self, images: np.ndarray) -> Description:
        """Features and logits of 8-bit images (N, h, w, c), in float32.

        Every batch has the same size (the last is filled up with black), so the description of
        an image depends neither on how many there are nor on its neighbours.

        Raises:
            DataError: if the images are of another shape or type.
        """
        if images.dtype != np.uint8 or images.shape[1:] != self.shape:
            raise DataError(
                f"images of shape {images.shape[1:]} and type {images.dtype}",
                expected=f"shape {self.shape}, uint8, as the extractor was trained on",
                run="dvc repro",
            )
        features = np.empty((len(images), self.features), np.float32)
        logits = np.empty((len(images), len(self.classes) or TURNS * SHAPES), np.float32)
        for rows, (batch,) in padded_batches(BATCH, images):
            seen, said = self._describe(tf.constant(batch))
            features[rows] = seen[: rows.stop - rows.start]
            logits[rows] = said[: rows.stop - rows.start]
        return Description(features, logits)


def train_extractor(
    images: np.ndarray,
    labels: np.ndarray | None,
    classes: tuple[str, ...],
    features: int,
    lessons: Lessons,
    *,
    source: str,
    what: str = "extractor",
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Extractor:
    """Train on the train split: uint8 images (N, h, w, c), int64 labels (N,) or None.

    Args:
        callbacks: as in `ganflow.features.classifier.train`.
        source: the hash of the data, which is put on the card.
    """
    if labels is None:
        shapes = clusters(images)
        turns = np.random.default_rng(lessons.seed).integers(TURNS, size=len(images))
        weights = classifier.train(
            images,
            TURNS * shapes + turns,
            features,
            TURNS * SHAPES,
            lessons,
            turn=lambda seen, wanted: turned(seen, wanted % TURNS),
            what=what,
            callbacks=callbacks,
        )
    else:
        weights = classifier.train(
            images, labels, features, len(classes), lessons, what=what, callbacks=callbacks
        )
    card: dict[str, Any] = {
        "task": "shapes and turns" if labels is None else "classes",
        **({} if labels is None else {"classes": list(classes)}),
        "shape": [int(size) for size in images.shape[1:]],
        "features": features,
        "images": len(images),
        "seed": lessons.seed,
        "epochs": lessons.epochs,
        "batch": lessons.batch,
        "learning_rate": lessons.learning_rate,
        "source": source,
    }
    return Extractor(weights, card)


def turned(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Each image in the position of its label: turned by quarters, or mirrored if not square."""
    mirrored, flipped = tf.reverse(images, [2]), tf.reverse(images, [1])
    if images.shape[1] == images.shape[2]:
        left, right = (tf.transpose(one, (0, 2, 1, 3)) for one in (mirrored, flipped))
        positions = [images, left, tf.reverse(mirrored, [1]), right]
    else:
        positions = [images, mirrored, flipped, tf.reverse(mirrored, [1])]
    chosen = tf.reshape(labels, (-1, 1, 1, 1))
    return tf.add_n([tf.where(chosen == k, p, tf.zeros_like(p)) for k, p in enumerate(positions)])


def clusters(images: np.ndarray) -> np.ndarray:
    """Which of 32 k-means cells of the pixels' principal components each image falls in.

    Of larger images thumbnails are taken: the axes of 128×128 pixels in colour would come from
    a matrix of 19 GB.
    """
    some = np.sort(np.random.default_rng(0).permutation(len(images))[:SHAPE_SAMPLE])
    mean, axes = components(_thumbnails(images[some]), SHAPE_COMPONENTS)
    projected = np.concatenate(
        [
            (_thumbnails(images[start : start + SHAPE_SAMPLE]) - mean) @ axes
            for start in range(0, len(images), SHAPE_SAMPLE)
        ]
    )
    return nearest(projected, centres(projected, SHAPES))[0]


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Means of blocks of pixels, at most `SHAPE_VALUES` an image: float32 (N, d) in [0, 1]."""
    count, height, width, channels = images.shape
    factor = 1
    while (height // factor) * (width // factor) * channels > SHAPE_VALUES:
        factor += 1
    rows, columns = height // factor, width // factor
    blocks = images[:, : rows * factor, : columns * factor].reshape(
        count, rows, factor, columns, factor, channels
    )
    means = blocks.mean(axis=(2, 4), dtype=np.float32) / np.float32(255)
    return np.asarray(means.reshape(count, -1))


def accuracy(extractor: Extractor, images: np.ndarray, labels: np.ndarray | None) -> float:
    """Share of uint8 images whose label is found; without labels, of positions (all are tried)."""
    if labels is not None:
        return float(np.mean(extractor.describe(images).logits.argmax(1) == labels))
    right = 0
    for start in range(0, len(images), BATCH):
        batch = tf.constant(images[start : start + BATCH], tf.float32)
        for position in range(TURNS):
            seen = turned(batch, tf.fill([len(batch)], position)).numpy().astype(np.uint8)
            right += int(np.sum(extractor.describe(seen).logits.argmax(1) % TURNS == position))
    return right / (TURNS * len(images))


def save_extractor(folder: Path, extractor: Extractor, **findings: Any) -> None:
    """Write `weights.safetensors` (sorted by name, no time stamps) and `card.json`.

    Args:
        findings: what was measured on the extractor, for its card.
    """
    weights = extractor.weights
    digest = write_weights(folder / WEIGHTS, {name: weights[name] for name in sorted(weights)})
    card = {**extractor.card, **findings, "versions": versions(), "sha256": digest}
    write_json(folder / CARD, card)


def load_extractor(folder: Path, source: str | None = None) -> Extractor:
    """Read what `save_extractor` wrote.

    Args:
        source: the hash of the data that it must have been trained on, where that matters.

    Raises:
        DataError: if a file is missing, the weights are not those of the card, or the extractor
            was trained on other data.
    """
    card = read_json(folder / CARD)
    weights = read_weights(folder / WEIGHTS, card.get("sha256"))
    if source is not None and card["source"] != source:
        raise DataError(
            f"this extractor was trained on data {card['source'][:12]}…",
            where=str(folder),
            expected=f"the prepared data, {source[:12]}…",
            run="dvc repro extractor",
        )
    return Extractor(weights, card)
