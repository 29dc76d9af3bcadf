"""Each objective against its closed form, and the direction in which it pulls the logits."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ganflow.base.errors import GanflowError
from ganflow.gan.objectives import OBJECTIVES, own_objective


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


CLOSED_FORMS = {
    "minimax": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda r, f: -softplus(f).mean(),
    ),
    "non_saturating": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda r, f: softplus(-f).mean(),
    ),
    "least_squares": (
        lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
        lambda r, f: 0.5 * ((f - 1) ** 2).mean(),
    ),
    "hinge": (
        lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(),
        lambda r, f: -f.mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic": (
        lambda r, f: softplus(f - r).mean(),
        lambda r, f: softplus(r - f).mean(),
    ),
}

AT_ZERO = {
    "minimax": (2 * math.log(2), -math.log(2)),
    "non_saturating": (2 * math.log(2), math.log(2)),
    "least_squares": (0.5, 0.5),
    "hinge": (2.0, 0.0),
    "wasserstein": (0.0, 0.0),
    "relativistic": (math.log(2), math.log(2)),
}


def drawn_logits() -> tuple[tf.Tensor, tf.Tensor]:
    rng = np.random.default_rng(3)
    real, fake = rng.normal(0.3, 2.0, (2, 64, 1)).astype(np.float32)
    return tf.constant(real), tf.constant(fake)


def test_every_objective_has_a_closed_form_here() -> None:
    assert set(CLOSED_FORMS) == set(AT_ZERO) == set(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_value(name: str) -> None:
    real, fake = drawn_logits()
    discriminator, generator = CLOSED_FORMS[name]
    r, f = real.numpy().astype(np.float64), fake.numpy().astype(np.float64)
    found = OBJECTIVES[name]  # type: ignore[index]
    assert float(found.discriminator(real, fake)) == pytest.approx(discriminator(r, f), rel=1e-5)
    assert float(found.generator(real, fake)) == pytest.approx(generator(r, f), rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_at_zero(name: str) -> None:
    zero = tf.zeros((8, 1))
    found = OBJECTIVES[name]  # type: ignore[index]
    values = float(found.discriminator(zero, zero)), float(found.generator(zero, zero))
    assert values == pytest.approx(AT_ZERO[name], abs=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_players_pull_generated_logits_apart(name: str) -> None:
    """Near zero the discriminator raises real and lowers generated ones, the generator raises."""
    rng = np.random.default_rng(4)
    real, fake = (tf.constant(x, tf.float32) for x in rng.uniform(-0.4, 0.4, (2, 64, 1)))
    fake = tf.abs(fake) + 0.05  # least squares wants generated ones at 0, from either side
    found = OBJECTIVES[name]  # type: ignore[index]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        discriminator = found.discriminator(real, fake)
        generator = found.generator(real, fake)
    assert (tape.gradient(discriminator, real).numpy() < 0).all()
    assert (tape.gradient(discriminator, fake).numpy() > 0).all()
    assert (tape.gradient(generator, fake).numpy() < 0).all()


def test_minimax_saturates_where_its_successor_does_not() -> None:
    """At a confident discriminator the original has no gradient; Goodfellow 2014, section 3."""
    fake = tf.constant([[-20.0]])
    gradients = {}
    for name in ("minimax", "non_saturating"):
        with tf.GradientTape() as tape:
            tape.watch(fake)
            value = OBJECTIVES[name].generator(fake, fake)  # type: ignore[index]
        gradients[name] = abs(tape.gradient(value, fake).numpy().item())
    assert gradients["minimax"] < 1e-8
    assert gradients["non_saturating"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_large_logits_stay_finite(name: str) -> None:
    far = tf.constant([[300.0], [-300.0]])
    found = OBJECTIVES[name]  # type: ignore[index]
    assert np.isfinite(
        [float(found.discriminator(far, -far)), float(found.generator(far, -far))]
    ).all()


def test_relativistic_compares_row_by_row() -> None:
    real, fake = drawn_logits()
    found = OBJECTIVES["relativistic"].discriminator
    assert float(found(real + 5.0, fake + 5.0)) == pytest.approx(float(found(real, fake)), rel=1e-5)
    assert float(found(real, fake[::-1])) != pytest.approx(float(found(real, fake)), rel=1e-3)


def test_an_objective_of_ones_own_is_the_pair_that_its_function_returns() -> None:
    hinge = OBJECTIVES["hinge"]
    own = own_objective(lambda r, f: (hinge.discriminator(r, f), hinge.generator(r, f)), "a:b")
    logits = tf.constant([[0.3], [-2.0]]), tf.constant([[1.5], [0.1]])
    assert own.discriminator(*logits) == hinge.discriminator(*logits)
    assert own.generator(*logits) == hinge.generator(*logits)


@pytest.mark.parametrize(
    "returned",
    [
        None,
        1.0,
        (tf.zeros(()),),
        (tf.zeros(()), 0.0),
        (tf.zeros((2, 1)), tf.zeros(())),
        (tf.zeros(()), tf.zeros((), tf.float64)),
    ],
    ids=str,
)
def test_what_is_no_pair_of_scalars_is_refused(returned: object) -> None:
    own = own_objective(lambda real, fake: returned, "a:b")
    with pytest.raises(GanflowError, match="a:b returns"):
        own.generator(tf.zeros((2, 1)), tf.zeros((2, 1)))
