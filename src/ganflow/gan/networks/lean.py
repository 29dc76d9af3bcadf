"""The default networks: as little arithmetic as good small images need on a processor.

A generator of transposed 4×4 convolutions with stride 2 (a kernel that the stride divides
leaves no checkerboard; Odena et al. 2016), batch normalisation and ReLU, and a discriminator
of 4×4 convolutions with stride 2, a last 3×3 one, leaky ReLU and no normalisation (a penalty
takes its place). With labels, the latent has the class one-hot beside it, and the discriminator
returns the logit of the image's class.
"""

import keras

from ganflow.gan.networks.conditioning import discriminator_head, generator_inputs, generator_output
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm, LeakyReLU
from ganflow.gan.networks.spectral import SpectralConv2D

WIDEST = 256
"""The most channels that a level has."""


def generator(design: Design, policy: keras.DTypePolicy) -> keras.Model:
    """Latents (N, latent), and labels (N,) if `classes`, to images (N, *shape) in [−1, 1]."""
    height, width, channels = design.shape
    levels = _levels(design)
    rows, columns = -(-height // 2**levels), -(-width // 2**levels)
    widths = [min(design.width * 2**level, WIDEST) for level in range(levels, -1, -1)]

    inputs, x = generator_inputs(design, policy)
    x = keras.layers.Dense(rows * columns * widths[0], use_bias=False, dtype=policy)(x)
    x = keras.layers.Reshape((rows, columns, widths[0]), dtype=policy)(x)
    x = _normal(x, policy)
    for filters in widths[1:]:
        x = keras.layers.Conv2DTranspose(
            filters, 4, strides=2, padding="same", use_bias=False, dtype=policy
        )(x)
        x = _normal(x, policy)
    x = keras.layers.Conv2D(channels, 3, padding="same", dtype=policy)(x)
    tanh = keras.layers.Activation("tanh", dtype="float32", name="images")
    return generator_output(design, inputs, x, tanh, policy)


def discriminator(design: Design, policy: keras.DTypePolicy) -> keras.Model:
    """Images (N, *shape) in [−1, 1], and labels (N,) if `classes`, to logits (N, 1)."""
    convolution = SpectralConv2D if design.spectral_norm else keras.layers.Conv2D
    images = keras.Input(design.shape, name="images")
    x = images
    for level in range(_levels(design)):
        filters = min(design.width * 2 ** (level + 1), WIDEST)
        x = convolution(filters, 4, strides=2, padding="same", dtype=policy)(x)
        x = LeakyReLU(0.2, dtype=policy)(x)
    # This layer improved the samples more than its time spent on longer training did.
    x = convolution(x.shape[-1], 3, padding="same", dtype=policy)(x)
    x = LeakyReLU(0.2, dtype=policy)(x)
    return discriminator_head(design, images, x, policy)


def _levels(design: Design) -> int:
    """How often the resolution is halved until it is the coarsest one."""
    side, levels = max(design.shape[:2]), 0
    while side > design.coarsest:
        side, levels = -(-side // 2), levels + 1
    return max(levels, 1)


def _normal(x: keras.KerasTensor, policy: keras.DTypePolicy) -> keras.KerasTensor:
    return keras.layers.ReLU(dtype=policy)(BatchNorm(dtype=policy)(x))
