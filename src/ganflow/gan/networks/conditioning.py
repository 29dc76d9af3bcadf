"""Where latents and labels enter the generator, and where labels enter the discriminator."""

import keras

from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import LeakyReLU, LogitOfLabel, WithLabel
from ganflow.gan.networks.spectral import SpectralDense

MAPPED = "mapped"
"""Name of the layer whose output is the latent that the generator works with."""


def entrance(
    design: Design, policy: keras.DTypePolicy
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """The generator's inputs, and its first vector: the latent, and beside it the label.

    With `design.mapping` layers, the latent is a learned function of the one that is drawn
    (Karras et al. 2019), so that its distribution is the generator's own doing.
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
        x = WithLabel(design.classes)(x, labels)
    return inputs, x


def verdict(
    design: Design, images: keras.KerasTensor, x: keras.KerasTensor, policy: keras.DTypePolicy
) -> keras.Model:
    """The discriminator from `images` through the maps `x` to a logit (N, 1), float32.

    With labels there is a logit for each class, of which the image's own is taken.
    """
    inputs = [images]
    dense = SpectralDense if design.spectral_norm else keras.layers.Dense
    x = keras.layers.Flatten(dtype=policy)(x)
    x = dense(design.classes or 1, dtype=policy)(x)
    if design.classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = LogitOfLabel(dtype="float32")(x, labels)
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="discriminator")
