"""Adam (Kingma & Ba 2015) on TensorFlow's fused kernel.

One pass over each weight instead of the ten of Keras's optimizer on a processor. Its state is plain
variables, which a checkpoint can hold.
"""

from collections.abc import Sequence

import tensorflow as tf

from ganflow.config import train

EPSILON = 1e-7
"""Keras's default, and so the article's."""


class Adam:
    """Moments for a list of variables.

    Attributes:
        first, second: the moments, in the variables' order.
    """

    def __init__(self, variables: Sequence[tf.Variable], params: train.AdamParams) -> None:
        self.variables = variables
        self.params = params
        self.first, self.second = (
            [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables] for _ in range(2)
        )

    def apply(self, gradients: Sequence[tf.Tensor], share: tf.Tensor, step: tf.Tensor) -> None:
        """Update the variables.

        Args:
            gradients: one a variable, of its shape, float32.
            share: the factor of the learning rate that the schedule gives, a scalar.
            step: counted from 1, float32, for the bias correction.
        """
        beta_1, beta_2 = tf.constant(self.params.beta_1), tf.constant(self.params.beta_2)
        for variable, first, second, gradient in zip(
            self.variables, self.first, self.second, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=tf.pow(beta_1, step),
                beta2_power=tf.pow(beta_2, step),
                lr=self.params.learning_rate * share,
                beta1=beta_1,
                beta2=beta_2,
                epsilon=EPSILON,
                grad=gradient,
            )
