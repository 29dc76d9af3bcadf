"""Differentiable augmentation for small data sets (DiffAugment; Zhao et al. 2020).

Real and generated images alike pass through the same random changes before the discriminator
sees them, so that it cannot learn the few real ones by heart, and the generator learns
through them, so that it does not learn the changes. Images are in [−1, 1]; what is moved in
from outside or cut out is −1, black, and not 0, which is mid-grey.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from ganflow.config.train import Augmentation
from ganflow.gan import replicas

Change = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From images (N, H, W, C) in [−1, 1] and random numbers (N, 3) in [0, 1) to images."""

SHIFT = 1 / 8
"""Largest shift, of a side."""

HOLE = 1 / 2
"""Side of what is cut out, of an image's."""


def augment(images: tf.Tensor, changes: Sequence[Augmentation], seed: tf.Tensor) -> tf.Tensor:
    """Images after each of `changes` in turn.

    Args:
        images: float32 (N, H, W, C).
        seed: int64 (2,); with it the result is a function of the images.
    """
    for index, name in enumerate(changes):
        key = tf.random.experimental.stateless_fold_in(seed, index)
        count = replicas.count() * (images.shape[0] or tf.shape(images)[0])
        drawn = replicas.local_shard(tf.random.stateless_uniform((count, 3), key))
        images = CHANGES[name](images, drawn)
    return images


def color(images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Brightness ± ½, saturation × 0 to 2, contrast × ½ to 1½, each an image's own."""
    brightness, saturation, contrast = (
        column[:, None, None, None] for column in tf.unstack(drawn, axis=1)
    )
    images += brightness - 0.5
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = (images - grey) * (2.0 * saturation) + grey
    level = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return (images - level) * (contrast + 0.5) + level


def translation(images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """A shift by up to an eighth of each side; what comes in is black.

    Rows and columns are moved by products with shifted identity matrices, whose gradient, unlike
    a gather's, has a deterministic form everywhere.
    """
    _, height, width, _ = images.shape
    down, right, _ = tf.unstack(drawn, axis=1)
    light = tf.einsum("nij,njwc->niwc", _shifts(height, down), images + 1.0)
    return tf.einsum("nij,nhjc->nhic", _shifts(width, right), light) - 1.0


def cutout(images: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """A black rectangle of half of each side, whose centre is anywhere in the image."""
    _, height, width, _ = images.shape
    down, right, _ = tf.unstack(drawn, axis=1)
    rows, columns = _hole(height, down)[:, :, None], _hole(width, right)[:, None, :]
    kept = 1.0 - (rows * columns)[..., None]
    return (images + 1.0) * kept - 1.0


def _shifts(side: int, drawn: tf.Tensor) -> tf.Tensor:
    """Matrices (N, side, side) that move a side's entries by −most to most places."""
    most = int(side * SHIFT + 0.5)
    by = tf.cast(tf.floor(drawn * (2 * most + 1)), tf.int32) - most
    return tf.one_hot(tf.range(side)[None, :] + by[:, None], side)


def _hole(side: int, drawn: tf.Tensor) -> tf.Tensor:
    """1 where a side is cut, 0 elsewhere: (N, side)."""
    size = int(side * HOLE + 0.5)
    first = tf.floor(drawn * (side + 1 - size % 2)) - size // 2
    place = tf.range(side, dtype=tf.float32)[None, :]
    inside = (place >= first[:, None]) & (place < first[:, None] + size)
    return tf.cast(inside, tf.float32)


CHANGES: dict[Augmentation, Change] = {
    "color": color,
    "translation": translation,
    "cutout": cutout,
}
