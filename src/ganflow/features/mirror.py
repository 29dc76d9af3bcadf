"""Whether a set's images may be mirrored: does a mirrored one look like one of the set?"""

import numpy as np
import tensorflow as tf

from ganflow.features import classifier
from ganflow.features.classifier import Lessons
from ganflow.features.extractor import Extractor

MOST_IMAGES = 5000
PASSES = 12_000
"""Images seen in training; a difference that takes more of them to learn is a small one."""

MOST_EPOCHS = 20
FEATURES = 64

TOLD_APART = 0.6
"""Accuracy from which on mirrored images count as unlike the set's own."""


def mirror_accuracy(train: np.ndarray, held_out: np.ndarray, *, bfloat16: bool) -> float:
    """How often a small classifier tells held-out images from their mirror images.

    Args:
        train, held_out: uint8 (n, h, w, c) and (m, h, w, c), m > 0, both in random order.

    Returns:
        Its accuracy: near ½ for photographs of what may face either way, near 1 for text, digits
        and whatever else has a left and a right.
    """
    images = np.asarray(train[:MOST_IMAGES])
    lessons = Lessons(0, epochs_for(len(images)), 64, 0.002, bfloat16)
    weights = classifier.train(
        images,
        np.repeat([0, 1], len(images)),  # each image both ways
        FEATURES,
        2,
        lessons,
        turn=_mirrored,
        what="mirrored or not",
    )
    card = {"shape": images.shape[1:], "features": FEATURES, "classes": ["as it is", "mirrored"]}
    told = Extractor(weights, card)
    right = [
        np.mean(told.describe(seen).logits.argmax(1) == side)
        for side, seen in enumerate((held_out, held_out[:, :, ::-1]))
    ]
    return float(np.mean(right))


def epochs_for(images: int) -> int:
    """Passes over so many images, each of them both ways."""
    return min(max(1, PASSES // (2 * images)), MOST_EPOCHS)


def _mirrored(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Images (n, h, w, c), of which those of label 1, int64 (n,), are mirrored."""
    return tf.where(tf.reshape(labels, (-1, 1, 1, 1)) == 1, tf.reverse(images, [2]), images)
