"""One step of the game: what it reads, what it changes, what it forgets."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ganflow.base.runtime import Precision
from ganflow.config.train import Penalties, Penalty, Train
from ganflow.gan.networks.build import (
    ARCHITECTURES,
)
from ganflow.gan.networks.design import Design
from ganflow.gan.objectives import OBJECTIVES
from ganflow.gan.penalties import PENALTIES, latent
from ganflow.gan.trainer import FIGURES, Game
from tests.gan.tiny import images

BATCH = 8


def game(
    classes: int = 2,
    architecture: str = "lean",
    seed: int = 1,
    precision: Precision = "float32",
    mapping: int = 0,
    spectral_norm: bool = False,
    **params: Any,
) -> Game:
    train = Train(**{"images": BATCH * 40, "batch": BATCH, "ema_half_life": 32, **params})
    design = Design(architecture, (8, 8, 1), classes, 5, mapping, spectral_norm)
    return Game(design, train, precision, seed)


def play(game: Game, first: int, steps: int) -> np.ndarray:
    pixels, labels = images(BATCH * 40, 0)
    rows = slice(first * BATCH, (first + steps) * BATCH)
    return np.asarray(game.play(pixels[rows], labels[rows], np.int64(first)))


def frozen(game: Game) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in game.state().items()}


def test_equal_seeds_are_equal_bytes_and_others_are_not() -> None:
    states = []
    for seed in (1, 1, 2):
        played = game(seed=seed)
        play(played, 0, 6)
        states.append(frozen(played))
    for name in states[0]:
        np.testing.assert_array_equal(states[0][name], states[1][name])
    assert any((states[0][name] != states[2][name]).any() for name in states[0])


@pytest.mark.parametrize("architecture", ["lean", "article"])
def test_the_state_is_all_there_is(architecture: str) -> None:
    """A fresh game that is given the state of another goes on exactly like it."""
    first = game(architecture=architecture)
    play(first, 0, 5)
    kept = frozen(first)
    play(first, 5, 4)
    second = game(architecture=architecture, seed=1)
    for name, variable in second.state().items():
        variable.assign(kept[name])
    play(second, 5, 4)
    after, again = frozen(first), frozen(second)
    for name in after:
        np.testing.assert_array_equal(after[name], again[name])
    assert any((kept[name] != after[name]).any() for name in kept)


def test_steps_in_one_call_or_in_several() -> None:
    one, many = game(), game()
    together = play(one, 0, 6)
    apart = [play(many, first, steps) for first, steps in ((0, 1), (1, 3), (4, 2))]
    for name, value in frozen(one).items():
        np.testing.assert_array_equal(value, frozen(many)[name])
    mean = (apart[0] + 3 * apart[1] + 2 * apart[2]) / 6
    np.testing.assert_allclose(together, mean, rtol=1e-5, atol=1e-6)


def test_the_step_is_traced_once() -> None:
    played = game()
    for first, steps in ((0, 2), (2, 5), (7, 1)):
        play(played, first, steps)
    assert played.play.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("ema_half_life", [0, 32])
def test_averaged_weights_follow_their_formula(ema_half_life: int) -> None:
    """a ← a + (1 − 2^(−batch / half-life))·(w − a), after each step."""
    played = game(ema_half_life=ema_half_life)
    weights = [w.value for w in played.generator.trainable_weights]
    averages = [w.value for w in played.averaged.trainable_weights]
    expected = [value.numpy() for value in averages]
    share = 1 - 0.5 ** (BATCH / ema_half_life) if ema_half_life else 1.0
    for step in range(4):
        play(played, step, 1)
        expected = [a + share * (w.numpy() - a) for a, w in zip(expected, weights, strict=True)]
    for average, value, weight in zip(averages, expected, weights, strict=True):
        np.testing.assert_allclose(average, value, rtol=1e-5, atol=1e-7)
        if not ema_half_life:
            np.testing.assert_array_equal(average, weight)


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("constant", [1.0, 1.0, 1.0]),
        ("linear", [1.0, 0.75, 0.25]),
        ("cosine", [1.0, 0.5 + 0.25 * 2**0.5, 0.5 - 0.25 * 2**0.5]),
    ],
)
def test_schedules(schedule: str, shares: list[float]) -> None:
    scheduled = game(schedule=schedule)
    found = [float(scheduled._rate(tf.constant(step, tf.int64))) for step in (0, 10, 30)]
    assert found == pytest.approx(shares, abs=1e-6)


def test_a_lazy_penalty_acts_at_every_interval_th_step() -> None:
    """Steps without it equal those of a game that has none; the first one does not."""
    lazy = game(penalties=Penalties(r1=Penalty(weight=50.0, interval=3)))
    bare = game(penalties=Penalties())
    for step in range(4):
        start = frozen(lazy)
        for name, variable in bare.state().items():
            variable.assign(start[name])
        play(lazy, step, 1)
        play(bare, step, 1)
        same = [
            np.array_equal(value, frozen(bare)[name])
            for name, value in frozen(lazy).items()
            if name.startswith("discriminator/")
        ]
        assert all(same) == (step % 3 != 0)


def test_a_penalty_counts_as_often_as_its_interval_and_fades() -> None:
    """The extra slope at a lazy step is interval·weight·final^progress times the penalty's."""
    seen = []

    def penalty(logits: Any, real: Any, fake: Any, alpha: Any) -> tf.Tensor:
        seen.append((real, fake))
        return tf.reduce_sum(logits(real))

    def moved(weight: float, interval: int, final: float, step: int) -> list[np.ndarray]:
        played = game(penalties=Penalties())
        played.penalties = [(penalty, Penalty(weight=weight, interval=interval, final=final))]
        slopes: list[Any] = []
        played.discriminator_adam.apply = lambda s, *_: slopes.extend(s)  # type: ignore[method-assign]
        real = tf.constant(images(BATCH, 0)[0], tf.float32) / 127.5 - 1.0
        played._step(real, tf.zeros(BATCH, tf.int64), tf.constant(step, tf.int64))
        return [slope.numpy() for slope in slopes]

    none = moved(0.0, 1, 1.0, 20)
    once = moved(1.0, 1, 1.0, 20)
    lazy = moved(2.0, 4, 0.25, 20)  # half way: 2·4·0.25^½ = 4 times
    for zero, one, four in zip(none, once, lazy, strict=True):
        np.testing.assert_allclose(four - zero, 4 * (one - zero), rtol=1e-3, atol=1e-4)
    assert seen


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_plays(objective: str) -> None:
    played = game(objective=objective)
    before = frozen(played)
    figures = play(played, 0, 3)
    assert figures.shape == (len(FIGURES),)
    assert np.isfinite(figures).all()
    after = frozen(played)
    for player in ("generator/", "discriminator/", "averaged/"):
        assert any((before[n] != after[n]).any() for n in before if n.startswith(player)), player


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_every_penalty_at_once(architecture: str, precision: Precision) -> None:
    every = {name: Penalty(weight=0.1, interval=2) for name in PENALTIES}
    played = game(architecture=architecture, precision=precision, penalties=Penalties(**every))
    assert np.isfinite(play(played, 0, 2)).all()


def test_everything_at_once_in_float16() -> None:
    """Loss scaling, augmentation, a mapping, spectral norm and penalties, and no step is lost."""
    played = game(
        precision="float16",
        mapping=2,
        spectral_norm=True,
        augmentation=["color", "translation", "cutout"],
        penalties=Penalties(r1=Penalty(weight=0.1, interval=2), latent=Penalty(weight=0.1)),
    )
    before = frozen(played)
    figures = play(played, 0, 3)
    assert np.isfinite(figures).all()
    assert 0.1 < figures[FIGURES.index("discriminator_loss")] < 10  # shown as it is, not scaled
    after = frozen(played)
    assert all(np.isfinite(value).all() for value in after.values())
    assert after["scale/good"] > 0
    assert any((before[n] != after[n]).any() for n in before if n.startswith("generator/"))


def test_the_latent_penalty_draws_the_mapped_latent_in() -> None:
    norms = []
    for weight in (0.0, 3.0):
        played = game(
            mapping=2,
            penalties=Penalties(latent=Penalty(weight=weight)),
            generator={"learning_rate": 0.02, "beta_1": 0.0, "beta_2": 0.99},
        )
        play(played, 0, 30)
        assert played.mapping is not None
        latents = tf.random.stateless_normal((64, 5), [0, 0])
        norms.append(float(latent(played.mapping(latents))))
    assert norms[1] < 0.5 * norms[0]


def test_without_a_mapping_the_latent_penalty_moves_nothing() -> None:
    """λE‖z‖² of a fixed prior: its gradient in the generator is exactly zero."""
    states = []
    for penalties in (Penalties(), Penalties(latent=Penalty(weight=100.0))):
        played = game(penalties=penalties)
        play(played, 0, 3)
        states.append(frozen(played))
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])


def test_spectral_norm_bounds_what_the_discriminator_can_say() -> None:
    """After many steps at a large rate, a change of the image still changes the logit little."""
    logits = {}
    for spectral in (False, True):
        played = game(
            spectral_norm=spectral,
            penalties=Penalties(),
            discriminator={"learning_rate": 0.02, "beta_1": 0.0, "beta_2": 0.9},
        )
        play(played, 0, 25)
        pixels, labels = images(BATCH, 0)
        x = tf.constant(pixels, tf.float32) / 127.5 - 1.0
        logits[spectral] = np.ptp(played._logits(x, tf.constant(labels)))
    assert logits[True] < logits[False]


def test_real_images_are_scaled_to_what_the_generator_makes() -> None:
    """Black is −1 and white is 1: a discriminator that sums pixels says so."""
    played = game(classes=0)
    played._logits = lambda x, _: tf.reduce_mean(x, [1, 2, 3])[:, None] + 0.0 * _touch(played)  # type: ignore[method-assign]
    for level, expected in ((0, -1.0), (255, 1.0), (51, -0.6)):
        figures = played._play(
            tf.fill([BATCH, 8, 8, 1], tf.constant(level, tf.uint8)),
            tf.zeros(BATCH, tf.int64),
            tf.constant(0, tf.int64),
        )
        assert float(figures[FIGURES.index("real_logit")]) == pytest.approx(expected, abs=1e-6)


def _touch(game: Game) -> tf.Tensor:
    """A number in which every weight of the discriminator has a part."""
    return tf.add_n([tf.reduce_sum(weight) for weight in game.discriminator_adam.variables])
