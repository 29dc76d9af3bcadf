"""Residual networks for 32 to 128 pixels, after R3GAN (Huang et al. 2024).

Its lessons, at a size for a processor or one small GPU: no normalisation anywhere; each
block's last convolution starts at zero, so that both networks begin as the plain resampling
path; and nearest upsampling and average pooling, which leave no checkerboard. Made for the
relativistic objective with R1 and R2 (`train.objective`, `train.penalties`), which keep the
discriminator smooth instead of normalisation.
"""

import keras

from ganflow.gan.networks.conditioning import discriminator_head, generator_inputs, generator_output
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import Clip, LeakyReLU, UpsampleNearest
from ganflow.gan.networks.spectral import SpectralConv2D

WIDEST = 256
SLOPE = 0.2


def generator(design: Design, policy: keras.DTypePolicy) -> keras.Model:
    """Latents (N, latent), and labels (N,) if `classes`, to images (N, *shape) in [−1, 1]."""
    height, width, channels = design.shape
    widths = _widths(design)
    scale = 2 ** (len(widths) - 1)
    rows, columns = -(-height // scale), -(-width // scale)

    inputs, x = generator_inputs(design, policy)
    x = keras.layers.Dense(rows * columns * widths[-1], dtype=policy)(x)
    x = keras.layers.Reshape((rows, columns, widths[-1]), dtype=policy)(x)
    for filters in reversed(widths[:-1]):
        x = _block(x, False, policy)
        if x.shape[-1] != filters:  # before the upsampling: a quarter of the arithmetic
            x = _convolution(filters, 1, False, policy)(x)
        x = UpsampleNearest(dtype=policy)(x)
    x = _block(x, False, policy)
    x = LeakyReLU(SLOPE, dtype=policy)(x)
    x = _convolution(channels, 3, False, policy)(x)
    return generator_output(design, inputs, x, Clip(dtype="float32", name="images"), policy)


def discriminator(design: Design, policy: keras.DTypePolicy) -> keras.Model:
    """Images (N, *shape) in [−1, 1], and labels (N,) if `classes`, to logits (N, 1)."""
    widths, spectral = _widths(design), design.spectral_norm
    images = keras.Input(design.shape, name="images")
    x = _convolution(widths[0], 3, spectral, policy)(images)
    for filters in widths[1:]:
        x = _block(x, spectral, policy)
        x = keras.layers.AveragePooling2D(2, padding="same", dtype=policy)(x)
        if x.shape[-1] != filters:
            x = _convolution(filters, 1, spectral, policy)(x)
    x = _block(x, spectral, policy)
    x = LeakyReLU(SLOPE, dtype=policy)(x)
    return discriminator_head(design, images, x, policy)


def _block(x: keras.KerasTensor, spectral: bool, policy: keras.DTypePolicy) -> keras.KerasTensor:
    """x + f(x), f being two 3×3 convolutions of which the last starts at zero."""
    channels = x.shape[-1]
    added = LeakyReLU(SLOPE, dtype=policy)(x)
    added = _convolution(channels, 3, spectral, policy)(added)
    added = LeakyReLU(SLOPE, dtype=policy)(added)
    # never spectrally normalised: 0/σ(0) is no kernel
    added = keras.layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="zeros", dtype=policy
    )(added)
    return keras.layers.Add(dtype=policy)([x, added])


def _convolution(
    filters: int, size: int, spectral: bool, policy: keras.DTypePolicy
) -> keras.layers.Layer:
    layer = SpectralConv2D if spectral else keras.layers.Conv2D
    return layer(filters, size, padding="same", dtype=policy)


def _widths(design: Design) -> list[int]:
    """Channels at each resolution, from the images' own down to the coarsest one."""
    side, widths = max(design.shape[:2]), [design.width]
    while side > design.coarsest:
        side = -(-side // 2)
        widths.append(min(2 * widths[-1], WIDEST))
    return widths
