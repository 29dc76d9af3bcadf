"""The default pair: as little arithmetic as makes good small images on a processor.

A generator of transposed 4×4 convolutions with stride 2 (a kernel that the stride divides
leaves no checkerboard; Odena et al. 2016), batch normalisation and ReLU, and a discriminator
of 4×4 convolutions with stride 2, leaky ReLU and no normalisation (a penalty takes its
place). With labels, the latent carries the class one-hot beside it, and the discriminator
has a logit for each class, of which the image's own is taken.
"""

import keras

from ganflow.models.layers import BatchNorm, CentreCrop, LogitOfLabel, WithLabel

WIDTH = 32
"""Channels at the highest resolution but one; each level below has twice as many."""

WIDEST = 256


def generator(
    shape: tuple[int, int, int], latent: int, classes: int, policy: keras.DTypePolicy
) -> keras.Model:
    """Latents (N, latent), and labels (N,) if `classes`, to images (N, *shape) in [−1, 1]."""
    height, width, channels = shape
    levels = _levels(shape)
    rows, columns = -(-height // 2**levels), -(-width // 2**levels)
    widths = [min(WIDTH * 2**level, WIDEST) for level in range(levels, -1, -1)]

    latents = keras.Input((latent,), name="latents")
    inputs = [latents]
    x = latents
    if classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = WithLabel(classes)(latents, labels)
    x = keras.layers.Dense(rows * columns * widths[0], use_bias=False, dtype=policy)(x)
    x = keras.layers.Reshape((rows, columns, widths[0]))(x)
    x = _normal(x, policy)
    for filters in widths[1:]:
        x = keras.layers.Conv2DTranspose(
            filters, 4, strides=2, padding="same", use_bias=False, dtype=policy
        )(x)
        x = _normal(x, policy)
    x = keras.layers.Conv2D(channels, 3, padding="same", dtype=policy)(x)
    if (x.shape[1], x.shape[2]) != (height, width):
        x = CentreCrop(height, width)(x)
    images = keras.layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name="generator")


def discriminator(
    shape: tuple[int, int, int], classes: int, policy: keras.DTypePolicy
) -> keras.Model:
    """Images (N, *shape) in [−1, 1], and labels (N,) if `classes`, to logits (N, 1)."""
    images = keras.Input(shape, name="images")
    inputs = [images]
    x = images
    for level in range(_levels(shape)):
        filters = min(2 * WIDTH * 2**level, WIDEST)
        x = keras.layers.Conv2D(filters, 4, strides=2, padding="same", dtype=policy)(x)
        x = keras.layers.LeakyReLU(0.2, dtype=policy)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(classes or 1, dtype=policy)(x)
    if classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = LogitOfLabel(dtype="float32")(x, labels)
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="discriminator")


def _levels(shape: tuple[int, int, int]) -> int:
    """How often the resolution is halved until its longer side is at most 8."""
    side, levels = max(shape[:2]), 0
    while side > 8:
        side, levels = -(-side // 2), levels + 1
    return max(levels, 1)


def _normal(x: keras.KerasTensor, policy: keras.DTypePolicy) -> keras.KerasTensor:
    return keras.layers.ReLU(dtype=policy)(BatchNorm(dtype=policy)(x))
