"""How good the generator is right now, by the validation split, and what it makes."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ganflow.features.extractor import Extractor
from ganflow.gan.networks.build import settle_batch_norm
from ganflow.gan.saved import images_of, to_pixels
from ganflow.gan.trainer import Game
from ganflow.metrics import frechet

IMAGES = 5_000
"""Generated and, at most, real images of one measurement."""

BATCH = 250
SETTLING_BATCHES = 20
PICTURE_ROWS = 8
PICTURE_COLUMNS = 10


@dataclass(frozen=True)
class Snapshot:
    """The generator at one moment.

    Attributes:
        images: real images the discriminator had seen.
        fd: Fréchet distance of `IMAGES` samples to the validation split. It chooses between
            snapshots of one training and is not comparable with the test split's.
        picture: uint8 (rows · columns, H, W, C), the fixed latents' images.
        weights: of the averaged generator, by name.
    """

    images: int
    fd: float
    picture: np.ndarray
    weights: dict[str, np.ndarray]


class Judge:
    """Measures the averaged generator of a game against held-out images.

    Args:
        extractor: gives the features.
        images: the validation split, uint8 (N, H, W, C).
        class_shares: how often each class is drawn; empty when unconditional.
        seed: of the fixed latents and labels.
    """

    def __init__(
        self, extractor: Extractor, images: np.ndarray, class_shares: list[float], seed: int
    ) -> None:
        self.extractor = extractor
        self.real = frechet.moments(extractor.describe(images[:IMAGES]).features)
        self.shares, self.seed = class_shares, seed

    def snapshot(self, game: Game, seen: int) -> Snapshot:
        """Measure the averaged generator, and picture it."""
        samples = self.samples(game, IMAGES)
        fd = frechet.distance(frechet.moments(self.extractor.describe(samples).features), self.real)
        count = PICTURE_ROWS * PICTURE_COLUMNS
        _, make = self._functions(game)
        latents, _ = self._draw(game, BATCH, 0)
        columns = np.resize(np.arange(PICTURE_COLUMNS), BATCH) % max(len(self.shares), 1)
        picture = make(latents, tf.constant(columns, tf.int64)).numpy()[:count]
        weights = {name: value.numpy() for name, value in game.averaged_weights().items()}
        return Snapshot(seen, fd, picture, weights)

    def samples(self, game: Game, count: int) -> np.ndarray:
        """Settle the averaged generator's batch norm, and draw from it.

        Returns:
            uint8 (count, H, W, C), the same latents at every call.
        """
        settle, make = self._functions(game)
        settle_batch_norm(
            game.averaged,
            SETTLING_BATCHES,
            lambda index: settle(*self._draw(game, BATCH, 1 + index)),
        )
        latents, labels = self._draw(game, count, 0)
        return np.concatenate(
            [make(latents[i : i + BATCH], labels[i : i + BATCH]) for i in range(0, count, BATCH)]
        )

    def _functions(self, game: Game) -> tuple[tf.types.experimental.GenericFunction, ...]:
        if not hasattr(self, "_compiled"):
            model, classes = game.averaged, game.design.classes
            self._compiled = (
                tf.function(lambda z, y: images_of(model, classes, z, y, training=True)),
                tf.function(lambda z, y: to_pixels(images_of(model, classes, z, y))),
            )
        return self._compiled

    def _draw(self, game: Game, count: int, stream: int) -> tuple[tf.Tensor, tf.Tensor]:
        numbers = np.random.default_rng([self.seed, stream])
        latents = numbers.standard_normal((count, game.design.latent), np.float32)
        labels = (
            numbers.choice(len(self.shares), count, p=self.shares)
            if self.shares
            else np.zeros(count)
        )
        return tf.constant(latents), tf.constant(labels, tf.int64)
