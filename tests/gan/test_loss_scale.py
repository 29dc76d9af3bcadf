"""Loss scaling: it cancels out, backs off after an overflow, and grows again."""

import numpy as np
import tensorflow as tf

from ganflow.gan.loss_scale import GOOD_STEPS, START, LossScale, all_finite


def test_up_and_down_cancel() -> None:
    scale = LossScale()
    weight = tf.Variable([1.5, -2.0])
    with tf.GradientTape() as tape:
        loss = scale.scale(tf.reduce_sum(weight**2))
    assert float(loss) == START * 6.25
    (slope,) = scale.unscale(tape.gradient(loss, [weight]))
    np.testing.assert_array_equal(slope, [3.0, -4.0])


def test_it_keeps_a_float16_gradient_that_would_vanish() -> None:
    gradients = {}
    for name, factor in (("plain", 1.0), ("scaled", START)):
        x = tf.constant([1.0], tf.float16)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.cast(x * tf.constant(2.0**-14, tf.float16), tf.float32) * 2.0**-14 * factor
        gradients[name] = float(tape.gradient(loss, x)[0])
    assert gradients["plain"] == 0.0
    assert gradients["scaled"] == 2.0**-28 * START


def test_an_overflow_halves_the_factor_and_good_steps_double_it() -> None:
    scale = LossScale()
    scale.update(tf.constant(False))
    assert float(scale.factor) == START / 2
    for _ in range(3):
        scale.update(tf.constant(True))
    assert int(scale.good_steps) == 3
    scale.update(tf.constant(False))
    assert (float(scale.factor), int(scale.good_steps)) == (START / 4, 0)
    scale.good_steps.assign(GOOD_STEPS - 1)
    scale.update(tf.constant(True))
    assert (float(scale.factor), int(scale.good_steps)) == (START / 2, 0)


def test_all_finite() -> None:
    good, bad = tf.constant([1.0, 2.0]), tf.constant([[np.inf]])
    assert bool(all_finite([good, good[None]]))
    assert not bool(all_finite([good, bad]))
    assert not bool(all_finite([good * np.nan]))
