"""Loss scaling, which keeps float16 gradients from vanishing (Micikevicius et al. 2018).

Losses are multiplied by a factor before gradients are taken, and gradients divided by it. A step
whose gradients overflow is skipped and the factor halved; after many good steps it is doubled.
"""

from collections.abc import Sequence

import tensorflow as tf

START = 2.0**15
GOOD_STEPS = 2_000
"""Steps without an overflow after which the factor is doubled."""

SMALLEST = 1.0


class LossScale:
    """The factor of both losses, and the number of steps since it last changed or overflowed."""

    def __init__(self) -> None:
        self.factor = tf.Variable(START, trainable=False)
        self.good_steps = tf.Variable(0, trainable=False, dtype=tf.int64)

    def scale(self, loss: tf.Tensor) -> tf.Tensor:
        return loss * self.factor

    def unscale(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [gradient / self.factor for gradient in gradients]

    def update(self, finite: tf.Tensor) -> None:
        """Update the factor after a step; `finite` (scalar bool) says whether it was applied."""
        good = tf.where(finite, self.good_steps + 1, 0)
        grown = tf.where(good >= GOOD_STEPS, self.factor * 2.0, self.factor)
        self.factor.assign(tf.where(finite, grown, tf.maximum(self.factor / 2.0, SMALLEST)))
        self.good_steps.assign(tf.where(good >= GOOD_STEPS, tf.zeros_like(good), good))


def all_finite(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether all values of all gradients are finite: a scalar bool."""
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
