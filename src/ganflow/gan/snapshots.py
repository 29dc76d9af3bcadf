"""Evaluation of the generator during training, on the validation split."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ganflow.features.extractor import Extractor
from ganflow.gan.networks.build import settle_batch_norm
from ganflow.gan.saved import images_of, to_pixels
from ganflow.gan.trainer import Trainer
from ganflow.metrics import frechet

IMAGES = 5_000
"""The number of generated images of an evaluation, and the maximum number of real ones."""

BATCH = 250
SETTLING_BATCHES = 20
PICTURE_ROWS = 8
PICTURE_COLUMNS = 10


@dataclass(frozen=True)
class Snapshot:
    """A training at one step.

    Attributes:
        images: the number of real images that the discriminator had seen.
        fd: Fréchet distance of `IMAGES` samples of the averaged generator to the validation split.
            It only ranks the snapshots of one training, and cannot be compared with distances to
            the test split.
        picture: images of fixed latents, uint8 (rows · columns, H, W, C).
        weights: of the averaged generator and of the discriminator, by network and name.
    """

    images: int
    fd: float
    picture: np.ndarray
    weights: dict[str, np.ndarray]


class SnapshotEvaluator:
    """Measures the averaged generator of a trainer against the validation split.

    Args:
        extractor: computes the features.
        images: the validation split, uint8 (N, H, W, C).
        class_shares: the frequency of each class; empty if the model is unconditional.
        seed: of the fixed latents and labels.
    """

    def __init__(
        self,
        trainer: Trainer,
        extractor: Extractor,
        images: np.ndarray,
        class_shares: list[float],
        seed: int,
    ) -> None:
        self.trainer, self.extractor = trainer, extractor
        self.real = frechet.moments(extractor.describe(images[:IMAGES]).features)
        self.shares, self.seed = class_shares, seed
        model, classes = trainer.averaged, trainer.design.classes
        self._settle = tf.function(lambda z, y: images_of(model, classes, z, y, training=True))
        self._generate = tf.function(lambda z, y: to_pixels(images_of(model, classes, z, y)))

    def baseline(self, images: np.ndarray) -> float:
        """The distance of real images, drawn from the training split, in the samples' place.

        Of few images it is larger than of `IMAGES`, as distances are.
        """
        rng = np.random.default_rng(self.seed)
        rows = np.sort(rng.choice(len(images), min(IMAGES, len(images)), replace=False))
        described = self.extractor.describe(images[rows])
        return frechet.distance(frechet.moments(described.features), self.real)

    def snapshot(self, seen: int, generated: int = IMAGES) -> Snapshot:
        """Evaluate the generator after `seen` real images, by so many generated ones."""
        samples = self.samples(generated)
        fd = frechet.distance(frechet.moments(self.extractor.describe(samples).features), self.real)
        count = PICTURE_ROWS * PICTURE_COLUMNS
        latents, _ = self._draw(BATCH, 0)
        columns = np.resize(np.arange(PICTURE_COLUMNS), BATCH) % max(len(self.shares), 1)
        picture = self._generate(latents, tf.constant(columns, tf.int64)).numpy()[:count]
        weights = {name: value.numpy() for name, value in self.trainer.kept_weights().items()}
        return Snapshot(seen, fd, picture, weights)

    def samples(self, count: int) -> np.ndarray:
        """Set the batch-norm moments of the averaged generator, and generate images.

        Returns:
            uint8 (count, H, W, C); the latents are the same at every call.
        """
        settle_batch_norm(
            self.trainer.averaged,
            SETTLING_BATCHES,
            lambda index: self._settle(*self._draw(BATCH, 1 + index)),
        )
        latents, labels = self._draw(count, 0)
        return np.concatenate(
            [
                self._generate(latents[i : i + BATCH], labels[i : i + BATCH])
                for i in range(0, count, BATCH)
            ]
        )

    def _draw(self, count: int, stream: int) -> tuple[tf.Tensor, tf.Tensor]:
        rng = np.random.default_rng([self.seed, stream])
        latents = rng.standard_normal((count, self.trainer.design.latent), np.float32)
        labels = (
            rng.choice(len(self.shares), count, p=self.shares) if self.shares else np.zeros(count)
        )
        return tf.constant(latents), tf.constant(labels, tf.int64)
