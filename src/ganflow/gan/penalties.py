"""Penalties on the discriminator's gradient, and on the generator's mapped latents.

Those of the discriminator are on the gradient of its logits φ. Each takes the discriminator as
a function from images (N, H, W, C) to logits (N, 1), the real and the generated images, uniform
random numbers α (N,), and returns a scalar. The trainer multiplies it by its weight γ.
"""

from collections.abc import Callable

import tensorflow as tf

from ganflow.config.train import Penalties, Penalty

Logits = Callable[[tf.Tensor], tf.Tensor]
PenaltyFunction = Callable[[Logits, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def r1(logits: Logits, real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """½·E_P[‖∇φ‖²] on real images. Mescheder et al. 2018, eq. 9."""
    return 0.5 * tf.reduce_mean(_squared_norm(_gradient(logits, real)[1]))


def r2(logits: Logits, real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """½·E_Q[‖∇φ‖²] on generated images. Mescheder et al. 2018, eq. 10."""
    return 0.5 * tf.reduce_mean(_squared_norm(_gradient(logits, fake)[1]))


def js(logits: Logits, real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """½·(E_P[(1 − D)²‖∇φ‖²] + E_Q[D²‖∇φ‖²]), D = σ(φ). Roth et al. 2017.

    The regulariser that follows from the Jensen-Shannon divergence. Where D = ½ it is a
    quarter of R1 + R2. The weights are part of the loss, as in the authors' code.
    """
    at_real, gradient_real = _gradient(logits, real)
    at_fake, gradient_fake = _gradient(logits, fake)
    return 0.5 * (
        tf.reduce_mean(tf.square(tf.sigmoid(-at_real[:, 0])) * _squared_norm(gradient_real))
        + tf.reduce_mean(tf.square(tf.sigmoid(at_fake[:, 0])) * _squared_norm(gradient_fake))
    )


def gradient_penalty(
    logits: Logits, real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor
) -> tf.Tensor:
    """E[(‖∇φ‖ − 1)²] between real and generated images. Gulrajani et al. 2017, eq. 3.

    One α per image; the norm is over all its pixels, and its root has a finite slope at zero.
    """
    between = real + tf.reshape(alpha, (-1, 1, 1, 1)) * (fake - real)
    _, gradient = _gradient(logits, between)
    return tf.reduce_mean(tf.square(tf.sqrt(_squared_norm(gradient) + 1e-12) - 1.0))


def latent(mapped: tf.Tensor) -> tf.Tensor:
    """E[‖z‖²] of mapped latents (N, latent): the article's λE‖z‖², for the generator.

    With latents drawn from a fixed prior it is a constant, and its gradient in the generator is
    exactly zero. It acts on a learned mapping from the prior to the latent (`model.mapping`),
    which it keeps from drifting away; parameters with none are refused.
    """
    return tf.reduce_mean(tf.reduce_sum(tf.square(mapped), axis=1))


PENALTIES: dict[str, PenaltyFunction] = {
    "r1": r1,
    "r2": r2,
    "js": js,
    "gradient_penalty": gradient_penalty,
}


def chosen(params: Penalties) -> list[tuple[PenaltyFunction, Penalty]]:
    """The discriminator's penalties that are switched on, with their settings."""
    return [
        (penalty, setting)
        for name, penalty in PENALTIES.items()
        if (setting := getattr(params, name)) is not None and setting.weight != 0
    ]


def _gradient(logits: Logits, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The logits at images, and their gradient there, (N, H, W, C)."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        values = logits(images)
    return values, tape.gradient(values, images)


def _squared_norm(gradient: tf.Tensor) -> tf.Tensor:
    """‖·‖² of each image's gradient, over all pixels and channels: (N,)."""
    return tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32)), axis=[1, 2, 3])
