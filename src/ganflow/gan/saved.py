"""A trained pair of networks on disk: weights as safetensors, and a card.

Neither carries a time, so equal weights are equal bytes, and neither can carry code.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganflow.base.errors import DataError
from ganflow.base.files import read_json, write_json
from ganflow.base.padded import padded_batches
from ganflow.base.weights import read_weights, write_weights
from ganflow.gan.networks.build import ARCHITECTURES, build_generator, weights_of
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.own import rebuilt

CARD = "card.json"
LAYERS = "layers"
"""The key of a card with the layers of a generator of one's own."""

BATCH = 250


def save_networks(
    folder: Path, generator: keras.Model, discriminator: keras.Model, card: dict[str, Any]
) -> None:
    """Write `generator.safetensors`, `discriminator.safetensors` and `card.json`.

    Args:
        card: at least `design`, from which the networks can be built again, and `layers` for a
            generator of one's own.
    """
    hashes = {}
    for name, model in (("generator", generator), ("discriminator", discriminator)):
        weights = {key: value.numpy() for key, value in weights_of(model).items()}
        hashes[name] = write_weights(folder / f"{name}.safetensors", weights)
    write_json(folder / CARD, {**card, "sha256": hashes})


class SavedGenerator:
    """A trained generator: latents and labels in, 8-bit images out.

    Attributes:
        latent: size of a latent vector.
        shape: height, width and channels of an image.
        classes: how many labels steer it; 0 if it is unconditional.
        card: what is known of its training.
    """

    def __init__(self, model: keras.Model, card: dict[str, Any]) -> None:
        self.model, self.card = model, card
        design = design_of(card)
        self.shape, self.latent, self.classes = design.shape, design.latent, design.classes
        self._batch = tf.function(
            lambda latents, labels: to_pixels(images_of(model, self.classes, latents, labels)),
            input_signature=[
                tf.TensorSpec((BATCH, self.latent), tf.float32),
                tf.TensorSpec((BATCH,), tf.int64),
            ],
        )

    def images(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Make images.

        Args:
            latents: float32 (N, latent).
            labels: int64 (N,), class indices; needed if there are classes.

        Returns:
            uint8 (N, H, W, C). An image does not depend on its neighbours.
        """
        if self.classes and labels is None:
            raise ValueError("this generator needs a label for each latent")
        labels = np.zeros(len(latents)) if labels is None else labels
        latents, labels = latents.astype(np.float32), labels.astype(np.int64)
        images = np.empty((len(latents), *self.shape), np.uint8)
        for rows, batch in padded_batches(BATCH, latents, labels):
            images[rows] = self._batch(*map(tf.constant, batch))[: rows.stop - rows.start]
        return images


def load_generator(folder: Path) -> SavedGenerator:
    """Read the generator that `save_networks` wrote, in float32.

    Raises:
        DataError: a file is missing, damaged, or not the one the card describes.
    """
    card = read_json(folder / CARD)
    weights = read_weights(folder / "generator.safetensors", card["sha256"]["generator"])
    design = design_of(card)
    model = rebuilt(card[LAYERS]) if LAYERS in card else build_generator(design)
    for name, variable in weights_of(model).items():
        variable.assign(weights[name])
    return SavedGenerator(model, card)


def design_of(card: dict[str, Any]) -> Design:
    """The design that a model card describes."""
    design = card["design"]
    if design["architecture"] not in ARCHITECTURES and LAYERS not in card:
        raise DataError(
            f"the model has an unknown architecture `{design['architecture']}`",
            where=CARD,
            expected=" or ".join(ARCHITECTURES),
            run="dvc repro",
        )
    height, width, channels = design["shape"]
    return Design(**{**design, "shape": (height, width, channels)})


def images_of(
    model: keras.Model, classes: int, latents: tf.Tensor, labels: tf.Tensor, training: bool = False
) -> tf.Tensor:
    """A generator's images (N, H, W, C) in [−1, 1]; labels are unused without classes."""
    return model([latents, labels] if classes else [latents], training=training)


def to_pixels(images: tf.Tensor) -> tf.Tensor:
    """[−1, 1] to the nearest of the 256 values of uint8."""
    return tf.cast(tf.round((tf.clip_by_value(images, -1.0, 1.0) + 1.0) * 127.5), tf.uint8)
