"""The article's DCGAN (after Radford et al. 2016), layer by layer; see docs/article.md."""

import keras

from ganflow.gan.networks.conditioning import discriminator_head, generator_inputs, generator_output
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm, Dropout, LeakyReLU
from ganflow.gan.networks.spectral import SpectralConv2D


def generator(design: Design, policy: keras.DTypePolicy) -> keras.Model:
    """Latents (N, latent), and labels (N,) if `classes`, to images (N, *shape) in [−1, 1].

    28×28 images grow from 7×7 as in the article; other sizes from a quarter of theirs.
    """
    height, width, channels = design.shape
    rows, columns = -(-height // 4), -(-width // 4)
    inputs, x = generator_inputs(design, policy)
    x = keras.layers.Dense(rows * columns * 256, use_bias=False, dtype=policy)(x)
    x = _normal(x, policy)
    x = keras.layers.Reshape((rows, columns, 256), dtype=policy)(x)
    for filters, stride in ((128, 1), (64, 2)):
        x = keras.layers.Conv2DTranspose(
            filters, 5, strides=stride, padding="same", use_bias=False, dtype=policy
        )(x)
        x = _normal(x, policy)
    x = keras.layers.Conv2DTranspose(
        channels, 5, strides=2, padding="same", use_bias=False, dtype=policy
    )(x)
    tanh = keras.layers.Activation("tanh", dtype="float32", name="images")
    return generator_output(design, inputs, x, tanh, policy)


def discriminator(design: Design, policy: keras.DTypePolicy) -> keras.Model:
    """Images (N, *shape) in [−1, 1], and labels (N,) if `classes`, to logits (N, 1)."""
    convolution = SpectralConv2D if design.spectral_norm else keras.layers.Conv2D
    images = keras.Input(design.shape, name="images")
    x = images
    for filters in (64, 128):
        x = convolution(filters, 5, strides=2, padding="same", dtype=policy)(x)
        x = LeakyReLU(0.3, dtype=policy)(x)
        x = Dropout(0.3, dtype=policy)(x)
    return discriminator_head(design, images, x, policy)


def _normal(x: keras.KerasTensor, policy: keras.DTypePolicy) -> keras.KerasTensor:
    return LeakyReLU(0.3, dtype=policy)(BatchNorm(dtype=policy)(x))
