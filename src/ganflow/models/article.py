"""The article's DCGAN (after Radford et al. 2016), layer by layer; see docs/article.md."""

import keras

from ganflow.models.layers import BatchNorm, CentreCrop, LogitOfLabel, WithLabel


def generator(
    shape: tuple[int, int, int], latent: int, classes: int, policy: keras.DTypePolicy
) -> keras.Model:
    """Latents (N, latent), and labels (N,) if `classes`, to images (N, *shape) in [−1, 1].

    28×28 images grow from 7×7 as in the article; other sizes from a quarter of theirs.
    """
    height, width, channels = shape
    rows, columns = -(-height // 4), -(-width // 4)
    latents = keras.Input((latent,), name="latents")
    inputs = [latents]
    x = latents
    if classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = WithLabel(classes)(latents, labels)
    x = keras.layers.Dense(rows * columns * 256, use_bias=False, dtype=policy)(x)
    x = _normal(x, policy)
    x = keras.layers.Reshape((rows, columns, 256))(x)
    for filters, stride in ((128, 1), (64, 2)):
        x = keras.layers.Conv2DTranspose(
            filters, 5, strides=stride, padding="same", use_bias=False, dtype=policy
        )(x)
        x = _normal(x, policy)
    x = keras.layers.Conv2DTranspose(
        channels, 5, strides=2, padding="same", use_bias=False, dtype=policy
    )(x)
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
    for filters in (64, 128):
        x = keras.layers.Conv2D(filters, 5, strides=2, padding="same", dtype=policy)(x)
        x = keras.layers.LeakyReLU(0.3, dtype=policy)(x)
        x = keras.layers.Dropout(0.3, dtype=policy)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(classes or 1, dtype=policy)(x)
    if classes:
        labels = keras.Input((), dtype="int64", name="labels")
        inputs.append(labels)
        x = LogitOfLabel(dtype="float32")(x, labels)
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="discriminator")


def _normal(x: keras.KerasTensor, policy: keras.DTypePolicy) -> keras.KerasTensor:
    return keras.layers.LeakyReLU(0.3, dtype=policy)(BatchNorm(dtype=policy)(x))
