"""The ends of both networks, with or without labels."""

import keras

from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import CentreCrop, ClassLogit, ConcatOneHot, LeakyReLU
from ganflow.gan.networks.spectral import SpectralDense

MAPPED = "mapped"
"""The name of the layer whose output is the mapped latent."""


def generator_inputs(
    design: Design, policy: keras.DTypePolicy
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """The generator's inputs, and the latent with the label one-hot beside it.

    With `design.mapping` layers, the latent is a learned function of the drawn one (Karras et al.
    2019), so its distribution is learned too.
    """
    latents = keras.Input((design.latent,), name="latents")
    inputs = [latents]
    x = latents
    for layer in range(design.mapping):
        last = layer == design.mapping - 1
        x = keras.layers.Dense(
            design.latent, dtype="float32" if last else policy, name=MAPPED if last else None
        )(x)
        if not last:
            x = LeakyReLU(0.2, dtype=policy)(x)
    if design.classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = ConcatOneHot(design.classes)(x, labels)
    return inputs, x


def generator_output(
    design: Design,
    inputs: list[keras.KerasTensor],
    x: keras.KerasTensor,
    bounded: keras.layers.Layer,
    policy: keras.DTypePolicy,
) -> keras.Model:
    """The generator from `inputs` through maps `x`, of which it takes the middle, to images.

    Args:
        bounded: the layer that keeps the images in [−1, 1].
    """
    height, width, _ = design.shape
    if x.shape[1:3] != (height, width):
        x = CentreCrop(height, width, dtype=policy)(x)
    return keras.Model(inputs, bounded(x), name="generator")


def discriminator_head(
    design: Design, images: keras.KerasTensor, x: keras.KerasTensor, policy: keras.DTypePolicy
) -> keras.Model:
    """The discriminator from `images` through the maps `x` to a logit (N, 1), float32.

    With labels it computes a logit for each class and returns that of the image's label.
    """
    inputs = [images]
    dense = SpectralDense if design.spectral_norm else keras.layers.Dense
    x = keras.layers.Flatten(dtype=policy)(x)
    x = dense(design.classes or 1, dtype=policy)(x)
    if design.classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = ClassLogit(dtype="float32")(x, labels)
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="discriminator")
