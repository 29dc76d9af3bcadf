"""A generator's forward pass in a few fixed sizes."""

from typing import Any

import numpy as np
import tensorflow as tf

from ganflow.gan.saved import images_of, to_pixels
from ganflow.studio.batching import Forward

SIZES = (1, 10, 50, 250)
"""A batch is filled up to the next of these: so there are this many graphs."""


def fixed_sizes(model: Any, classes: int, latent: int) -> Forward:
    """Make the forward pass of a Keras generator, and run each size once.

    Returns:
        a function from float32 latents (N, latent) and int64 labels (N,), or None without
        classes, to uint8 images (N, H, W, C). The size of a batch may change the last bit of a
        sum, and with it an image by one of 256 levels.
    """

    @tf.function  # type: ignore[untyped-decorator]
    def forward(latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return to_pixels(images_of(model, classes, latents, labels))

    # Traced here: TensorFlow would take the first calls of several models for retracing.
    passes = {
        size: forward.get_concrete_function(
            tf.TensorSpec((size, latent), tf.float32), tf.TensorSpec((size,), tf.int64)
        )
        for size in SIZES
    }

    def images(latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        kinds = np.zeros(len(latents), np.int64) if labels is None else labels
        parts = []
        for start in range(0, len(latents), SIZES[-1]):
            rows = latents[start : start + SIZES[-1]]
            size = next(size for size in SIZES if size >= len(rows))
            filled = np.resize(rows, (size, latent))
            chosen = np.resize(kinds[start : start + size], size)
            made = passes[size](tf.constant(filled, tf.float32), tf.constant(chosen)).numpy()
            parts.append(made[: len(rows)])
        return np.concatenate(parts)

    for size in SIZES:
        images(np.zeros((size, latent), np.float32), None)
    return images
