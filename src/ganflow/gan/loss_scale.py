"""Loss scaling, which keeps float16 gradients from vanishing (Micikevicius et al. 2018).

Losses are multiplied before the gradient is taken and gradients divided after it. A step whose
gradients overflowed is left out and the factor halved; after many good ones it is doubled.
"""

from collections.abc import Sequence

import tensorflow as tf

START = 2.0**15
GOOD_STEPS = 2_000
"""Steps without an overflow before the factor is doubled."""

SMALLEST = 1.0


class LossScale:
    """A factor for both players' losses, and how long it has done well."""

    def __init__(self) -> None:
        self.factor = tf.Variable(START, trainable=False)
        self.good = tf.Variable(0, trainable=False, dtype=tf.int64)

    def up(self, loss: tf.Tensor) -> tf.Tensor:
        return loss * self.factor

    def down(self, slopes: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [slope / self.factor for slope in slopes]

    def learn(self, finite: tf.Tensor) -> None:
        """Change the factor after a step whose gradients were `finite`, a scalar bool."""
        good = tf.where(finite, self.good + 1, 0)
        grown = tf.where(good >= GOOD_STEPS, self.factor * 2.0, self.factor)
        self.factor.assign(tf.where(finite, grown, tf.maximum(self.factor / 2.0, SMALLEST)))
        self.good.assign(tf.where(good >= GOOD_STEPS, tf.zeros_like(good), good))


def all_finite(slopes: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether every number of every gradient is one: a scalar bool."""
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(slope)) for slope in slopes])
