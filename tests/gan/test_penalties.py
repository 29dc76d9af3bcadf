"""Penalties on discriminators whose gradient is known."""

import numpy as np
import pytest
import tensorflow as tf

from ganflow.config.train import Penalties, Penalty
from ganflow.gan import penalties

SHAPE = (4, 5, 3)


def images(seed: int, count: int = 16) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (count, *SHAPE)), tf.float32)


def weight(seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=(*SHAPE,)), tf.float32)


def linear(w: tf.Tensor, bias: float = 0.0) -> penalties.Logits:
    """φ(x) = w·x + bias, whose gradient is w everywhere."""
    return lambda x: tf.reduce_sum(x * w, axis=[1, 2, 3])[:, None] + bias


def alphas(count: int = 16) -> tf.Tensor:
    return tf.constant(np.random.default_rng(9).uniform(size=count), tf.float32)


@pytest.mark.parametrize("penalty", [penalties.r1, penalties.r2])
def test_r1_and_r2_of_a_linear_discriminator(penalty: penalties.PenaltyFunction) -> None:
    w = weight()
    expected = 0.5 * float(tf.reduce_sum(w**2))
    found = penalty(linear(w), images(1), images(2), alphas())
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_r1_looks_at_real_images_and_r2_at_generated_ones() -> None:
    """φ(x) = ½‖x‖² has the gradient x, so the penalties are the images' own squared norms."""

    def logits(x: tf.Tensor) -> tf.Tensor:
        return 0.5 * tf.reduce_sum(x**2, axis=[1, 2, 3])[:, None]

    real, fake = images(1), images(2)
    for penalty, seen in ((penalties.r1, real), (penalties.r2, fake)):
        expected = 0.5 * np.mean(np.sum(seen.numpy() ** 2, axis=(1, 2, 3)))
        assert float(penalty(logits, real, fake, alphas())) == pytest.approx(expected, rel=1e-5)


def test_js_is_a_quarter_of_both_where_the_discriminator_does_not_know() -> None:
    w = weight()
    x = tf.zeros((16, *SHAPE))  # φ = 0 there: D = ½
    found = penalties.js(linear(w), x, x, alphas())
    r1 = penalties.r1(linear(w), x, x, alphas())
    r2 = penalties.r2(linear(w), x, x, alphas())
    assert float(found) == pytest.approx(float(r1 + r2) / 4, rel=1e-5)


@pytest.mark.parametrize(("bias", "share"), [(30.0, 1.0), (-30.0, 1.0)])
def test_js_weighs_what_the_discriminator_gets_wrong(bias: float, share: float) -> None:
    """A discriminator that says "real" to all is penalised on generated images alone."""
    w = weight()
    x = tf.zeros((16, *SHAPE))
    expected = share * 0.5 * float(tf.reduce_sum(w**2))
    assert float(penalties.js(linear(w, bias), x, x, alphas())) == pytest.approx(expected, rel=1e-4)


def test_js_weights_are_part_of_the_loss() -> None:
    """Its slope in the bias is that of the weights: nothing stops the gradient there."""
    w, bias = weight(), tf.Variable(0.7)
    real, fake = images(1), images(2)
    norm = float(tf.reduce_sum(w**2))

    def value(shift: float) -> float:
        sigma = [
            1 / (1 + np.exp(-(np.sum((x.numpy() * w.numpy()).reshape(16, -1), 1) + shift)))
            for x in (real, fake)
        ]
        return float(0.5 * norm * (np.mean((1 - sigma[0]) ** 2) + np.mean(sigma[1] ** 2)))

    with tf.GradientTape() as tape:
        found = penalties.js(lambda x: linear(w)(x) + bias, real, fake, alphas())
    slope = float(tape.gradient(found, bias))
    assert float(found) == pytest.approx(value(0.7), rel=1e-4)
    assert slope == pytest.approx((value(0.71) - value(0.69)) / 0.02, rel=1e-2, abs=1e-3)


def test_gradient_penalty_wants_a_slope_of_one() -> None:
    w = weight()
    w /= tf.norm(tf.reshape(w, [-1]))
    for factor in (0.25, 1.0, 3.0):
        found = penalties.gradient_penalty(linear(w * factor), images(1), images(2), alphas())
        assert float(found) == pytest.approx((factor - 1.0) ** 2, abs=1e-5)


def test_gradient_penalty_is_finite_where_there_is_no_slope() -> None:
    w = tf.Variable(tf.zeros(SHAPE))
    with tf.GradientTape() as tape:
        found = penalties.gradient_penalty(linear(w), images(1), images(2), alphas())
    assert float(found) == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(tape.gradient(found, w).numpy()).all()


def test_gradient_penalty_takes_one_alpha_an_image() -> None:
    """What the critic is shown lies on the line between the pair, at α of the way."""
    real, fake, alpha = images(1), images(2), alphas()
    shown = []

    def logits(x: tf.Tensor) -> tf.Tensor:
        shown.append(x)
        return linear(weight())(x)

    penalties.gradient_penalty(logits, real, fake, alpha)
    share = (shown[0] - real).numpy() / (fake - real).numpy()
    expected = np.broadcast_to(alpha.numpy()[:, None, None, None], share.shape)
    np.testing.assert_allclose(share, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", sorted(penalties.PENALTIES))
def test_norms_are_per_image(name: str) -> None:
    """A batch of twice the same images has the same penalty."""
    w = weight()
    real, fake, alpha = images(1), images(2), alphas()
    penalty = penalties.PENALTIES[name]
    once = penalty(linear(w), real, fake, alpha)
    twice = penalty(linear(w), *(tf.concat([x, x], 0) for x in (real, fake, alpha)))
    assert float(once) == pytest.approx(float(twice), rel=1e-5)


def test_only_what_is_switched_on_is_chosen() -> None:
    params = Penalties(r1=Penalty(weight=0.0), js=Penalty(weight=2.0, interval=4))
    assert penalties.chosen(params) == [(penalties.js, params.js)]
