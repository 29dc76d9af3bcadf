"""The article's networks trained the ways that others train them.

Each builder returns a function that trains one batch and waits for it. The networks, losses
and optimizers are those of `ganflow recipe article`, written with each framework's own parts.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

LATENT, RATE, BETA_1 = 100, 2e-4, 0.5


def keras_pair(policy: str) -> tuple[keras.Model, keras.Model]:
    """Generator and discriminator as printed in the article, of Keras's own layers."""
    layers, options = keras.layers, {"dtype": policy}

    def normalized(layer: keras.Layer) -> list[keras.Layer]:
        return [layer, layers.BatchNormalization(**options), layers.LeakyReLU(**options)]

    def up(filters: int, stride: int) -> keras.Layer:
        return layers.Conv2DTranspose(filters, 5, stride, "same", use_bias=False, **options)

    def down(filters: int) -> list[keras.Layer]:
        convolution = layers.Conv2D(filters, 5, 2, "same", **options)
        return [convolution, layers.LeakyReLU(**options), layers.Dropout(0.3, **options)]

    generator = keras.Sequential(
        [
            keras.Input((LATENT,)),
            *normalized(layers.Dense(7 * 7 * 256, use_bias=False, **options)),
            layers.Reshape((7, 7, 256)),
            *normalized(up(128, 1)),
            *normalized(up(64, 2)),
            up(1, 2),
            layers.Activation("tanh", dtype="float32"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *down(64),
            *down(128),
            layers.Flatten(),
            layers.Dense(1, **options),
            layers.Activation("linear", dtype="float32"),
        ]
    )
    return generator, discriminator


def keras_step(policy: str, compiled: bool, images: np.ndarray) -> Callable[[], Any]:
    """The TensorFlow tutorial's step, in a `tf.function` or, as the article has it, eager."""
    generator, discriminator = keras_pair(policy)
    players = [keras.optimizers.Adam(RATE, BETA_1) for _ in range(2)]
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    real = tf.constant(images, tf.float32) / 127.5 - 1.0

    def step(real: tf.Tensor) -> tf.Tensor:
        noise = tf.random.normal((len(images), LATENT), seed=1)
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake = generator(noise, training=True)
            said, said_fake = discriminator(real, training=True), discriminator(fake, training=True)
            generator_loss = entropy(tf.ones_like(said_fake), said_fake)
            loss = entropy(tf.ones_like(said), said) + entropy(tf.zeros_like(said_fake), said_fake)
        for tape, value, model, player in (
            (generator_tape, generator_loss, generator, players[0]),
            (discriminator_tape, loss, discriminator, players[1]),
        ):
            weights = model.trainable_variables
            player.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return loss

    for model, player in zip((generator, discriminator), players, strict=True):
        player.build(model.trainable_variables)
    run = tf.function(step) if compiled else step
    return lambda: run(real).numpy()


def torch_step(form: str, bfloat16: bool, images: np.ndarray, threads: int) -> Callable[[], Any]:
    """PyTorch's step.

    Args:
        form: `eager`, `channels_last`, or `compile`, which is also channels-last.
    """
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    up, slope = nn.ConvTranspose2d, 0.3
    generator: Any = nn.Sequential(
        *[nn.Linear(LATENT, 7 * 7 * 256, bias=False), nn.BatchNorm1d(7 * 7 * 256)],
        *[nn.LeakyReLU(slope), nn.Unflatten(1, (256, 7, 7))],
        *[up(256, 128, 5, 1, 2, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(slope)],
        *[up(128, 64, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(slope)],
        *[up(64, 1, 5, 2, 2, 1, bias=False), nn.Tanh()],
    )
    discriminator: Any = nn.Sequential(
        *[nn.Conv2d(1, 64, 5, 2, 2), nn.LeakyReLU(slope), nn.Dropout(0.3)],
        *[nn.Conv2d(64, 128, 5, 2, 2), nn.LeakyReLU(slope), nn.Dropout(0.3)],
        *[nn.Flatten(), nn.Linear(7 * 7 * 128, 1)],
    )
    real = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0)
    if form != "eager":
        layout = torch.channels_last
        generator, discriminator = (m.to(memory_format=layout) for m in (generator, discriminator))
        real = real.to(memory_format=layout)
    players = [
        torch.optim.Adam(m.parameters(), RATE, (BETA_1, 0.999)) for m in (generator, discriminator)
    ]
    if form == "compile":
        generator, discriminator = torch.compile(generator), torch.compile(discriminator)
    entropy = nn.functional.binary_cross_entropy_with_logits

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            fake = generator(torch.randn(len(images), LATENT))
            said, said_fake = discriminator(real).float(), discriminator(fake.detach()).float()
            loss = entropy(said, torch.ones_like(said)) + entropy(
                said_fake, torch.zeros_like(said_fake)
            )
            players[1].zero_grad()
            loss.backward()
            players[1].step()
            judged = discriminator(fake).float()
            generator_loss = entropy(judged, torch.ones_like(judged))
            players[0].zero_grad()
            generator_loss.backward()
            players[0].step()
        return float(loss.detach())

    return step
