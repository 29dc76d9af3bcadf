"""The losses of both networks, as functions of the discriminator's logits.

`real` and `fake` are logits (N, 1) of real and generated images, row by row with the same
labels; every function returns a scalar, the mean over the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ganflow.base.errors import GanflowError
from ganflow.config import train

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Objective:
    """A pair of losses, each of (real logits, fake logits)."""

    discriminator: Loss
    generator: Loss


def _cross_entropy(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """−log σ(real) − log(1 − σ(fake))."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


OBJECTIVES: dict[train.Objective, Objective] = {
    # The saturating original: the generator minimises log(1 − D(G(z))). Goodfellow et al. 2014,
    # eq. 1.
    "minimax": Objective(
        discriminator=_cross_entropy,
        generator=lambda real, fake: -tf.reduce_mean(tf.nn.softplus(fake)),
    ),
    # The generator maximises log D(G(z)) instead. Goodfellow et al. 2014, section 3.
    "non_saturating": Objective(
        discriminator=_cross_entropy,
        generator=lambda real, fake: tf.reduce_mean(tf.nn.softplus(-fake)),
    ),
    # Targets 1 for real and 0 for generated. Mao et al. 2017, eq. 9.
    "least_squares": Objective(
        discriminator=lambda real, fake: (
            0.5 * tf.reduce_mean(tf.square(real - 1.0)) + 0.5 * tf.reduce_mean(tf.square(fake))
        ),
        generator=lambda real, fake: 0.5 * tf.reduce_mean(tf.square(fake - 1.0)),
    ),
    # Lim and Ye 2017; Miyato et al. 2018, eqs. 16 and 17.
    "hinge": Objective(
        discriminator=lambda real, fake: (
            tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
        ),
        generator=lambda real, fake: -tf.reduce_mean(fake),
    ),
    # The logits are a critic's, which a penalty has to keep Lipschitz. Arjovsky et al. 2017.
    "wasserstein": Objective(
        discriminator=lambda real, fake: tf.reduce_mean(fake) - tf.reduce_mean(real),
        generator=lambda real, fake: -tf.reduce_mean(fake),
    ),
    # Each generated image is compared with the real one in its row. Jolicoeur-Martineau 2019;
    # Huang et al. 2024 (R3GAN), eq. 2.
    "relativistic": Objective(
        discriminator=lambda real, fake: tf.reduce_mean(tf.nn.softplus(fake - real)),
        generator=lambda real, fake: tf.reduce_mean(tf.nn.softplus(real - fake)),
    ),
}


def own_objective(loss: Callable[[tf.Tensor, tf.Tensor], Any], name: str) -> Objective:
    """The objective of a project's function, which returns the losses of the discriminator and of
    the generator.

    Args:
        name: of the function, for errors.

    Raises:
        GanflowError: when a loss is computed that is no float32 scalar.
    """

    def losses(real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pair = loss(real, fake)
        found = [
            f"{value.dtype.name} {tuple(value.shape)}" if tf.is_tensor(value) else repr(value)
            for value in (pair if isinstance(pair, tuple | list) else [pair])
        ]
        if found != ["float32 ()"] * 2:
            raise GanflowError(
                f"train.objective: {name} returns {' and '.join(found)}",
                where=f"what {name} returns for logits of {real.dtype.name} {tuple(real.shape)}",
                expected="the discriminator's and the generator's loss: two float32 scalars, each "
                "the mean over the batch",
                run="mend it, then dvc repro train",
            )
        return pair[0], pair[1]

    return Objective(
        discriminator=lambda real, fake: losses(real, fake)[0],
        generator=lambda real, fake: losses(real, fake)[1],
    )
