"""The fused Adam against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow.config import train
from ganflow.gan.adam import EPSILON, Adam


@pytest.mark.parametrize(("beta_1", "beta_2"), [(0.0, 0.99), (0.5, 0.999), (0.9, 0.9)])
def test_it_takes_the_steps_that_keras_takes(beta_1: float, beta_2: float) -> None:
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((5, 3), (7,))]
    ours = [tf.Variable(value) for value in start]
    theirs = [keras.Variable(value) for value in start]
    adam = Adam(ours, train.AdamParams(learning_rate=0.01, beta_1=beta_1, beta_2=beta_2))
    reference = keras.optimizers.Adam(0.01, beta_1, beta_2, EPSILON)
    for step in range(12):
        gradients = [
            tf.constant(rng.normal(size=v.shape) * 10.0 ** (step % 5 - 3), tf.float32)
            for v in start
        ]
        adam.apply(gradients, tf.constant(1.0), tf.constant(step + 1.0))
        reference.apply(gradients, theirs)
    for mine, other, first in zip(ours, theirs, start, strict=True):
        assert np.abs(mine.numpy() - first).max() > 0.02
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=2e-5, atol=2e-6)


def test_the_share_scales_the_step() -> None:
    gradient = tf.constant([3.0, -2.0])
    moved = []
    for share in (1.0, 0.25):
        variable = tf.Variable([1.0, 1.0])
        Adam([variable], train.AdamParams(learning_rate=0.1)).apply(
            [gradient], tf.constant(share), tf.constant(1.0)
        )
        moved.append(variable.numpy() - 1.0)
    np.testing.assert_allclose(moved[0], [-0.1, 0.1], rtol=1e-5)  # the first step is the rate
    np.testing.assert_allclose(moved[1], 0.25 * moved[0], rtol=1e-4)
