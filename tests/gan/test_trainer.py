"""The training step: what it reads, what it changes, and that its state is complete."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ganflow.base.runtime import Precision
from ganflow.config.train import Penalties, Penalty, TrainParams
from ganflow.gan.networks.build import (
    ARCHITECTURES,
)
from ganflow.gan.networks.design import Design
from ganflow.gan.objectives import OBJECTIVES
from ganflow.gan.penalties import PENALTIES, latent
from ganflow.gan.trainer import STEP_METRICS, Trainer
from tests.gan.tiny import images

BATCH = 8


def new_trainer(
    classes: int = 2,
    architecture: str = "lean",
    seed: int = 1,
    precision: Precision = "float32",
    mapping: int = 0,
    spectral_norm: bool = False,
    **params: Any,
) -> Trainer:
    settings = TrainParams(**{"images": BATCH * 40, "batch": BATCH, "ema_half_life": 32, **params})
    design = Design(architecture, (8, 8, 1), classes, 5, mapping, spectral_norm)
    return Trainer(design, settings, precision, seed)


def train(trainer: Trainer, first: int, steps: int) -> np.ndarray:
    pixels, labels = images(BATCH * 40, 0)
    rows = slice(first * BATCH, (first + steps) * BATCH)
    return np.asarray(trainer.train_steps(pixels[rows], labels[rows], np.int64(first)))


def frozen(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in trainer.state().items()}


def test_equal_seeds_are_equal_bytes_and_others_are_not() -> None:
    states = []
    for seed in (1, 1, 2):
        trainer = new_trainer(seed=seed)
        train(trainer, 0, 6)
        states.append(frozen(trainer))
    for name in states[0]:
        np.testing.assert_array_equal(states[0][name], states[1][name])
    assert any((states[0][name] != states[2][name]).any() for name in states[0])


@pytest.mark.parametrize("architecture", ["lean", "article"])
def test_the_state_is_all_there_is(architecture: str) -> None:
    """A fresh trainer that is given the state of another goes on exactly like it."""
    first = new_trainer(architecture=architecture)
    train(first, 0, 5)
    kept = frozen(first)
    train(first, 5, 4)
    second = new_trainer(architecture=architecture, seed=1)
    for name, variable in second.state().items():
        variable.assign(kept[name])
    train(second, 5, 4)
    after, again = frozen(first), frozen(second)
    for name in after:
        np.testing.assert_array_equal(after[name], again[name])
    assert any((kept[name] != after[name]).any() for name in kept)


def test_steps_in_one_call_or_in_several() -> None:
    one, many = new_trainer(), new_trainer()
    together = train(one, 0, 6)
    apart = [train(many, first, steps) for first, steps in ((0, 1), (1, 3), (4, 2))]
    for name, value in frozen(one).items():
        np.testing.assert_array_equal(value, frozen(many)[name])
    mean = (apart[0] + 3 * apart[1] + 2 * apart[2]) / 6
    np.testing.assert_allclose(together, mean, rtol=1e-5, atol=1e-6)


def test_the_step_is_traced_once() -> None:
    trainer = new_trainer()
    for first, steps in ((0, 2), (2, 5), (7, 1)):
        train(trainer, first, steps)
    assert trainer.train_steps.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("ema_half_life", [0, 32])
def test_averaged_weights_follow_their_formula(ema_half_life: int) -> None:
    """a ← a + (1 − 2^(−batch / half-life))·(w − a), after each step."""
    trainer = new_trainer(ema_half_life=ema_half_life)
    weights = [w.value for w in trainer.generator.trainable_weights]
    averages = [w.value for w in trainer.averaged.trainable_weights]
    expected = [value.numpy() for value in averages]
    share = 1 - 0.5 ** (BATCH / ema_half_life) if ema_half_life else 1.0
    for step in range(4):
        train(trainer, step, 1)
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
        ("cooldown", [1.0, 1.0, 0.5]),
    ],
)
def test_schedules(schedule: str, shares: list[float]) -> None:
    scheduled = new_trainer(schedule=schedule, cooldown=20 * BATCH)
    found = [float(scheduled._schedule(tf.constant(step, tf.int64))) for step in (0, 10, 30)]
    assert found == pytest.approx(shares, abs=1e-6)


def test_a_lazy_penalty_acts_at_every_interval_th_step() -> None:
    """Steps without it equal those of a trainer that has none; the first one does not."""
    lazy = new_trainer(penalties=Penalties(r1=Penalty(weight=50.0, interval=3)))
    bare = new_trainer(penalties=Penalties())
    for step in range(4):
        start = frozen(lazy)
        for name, variable in bare.state().items():
            variable.assign(start[name])
        train(lazy, step, 1)
        train(bare, step, 1)
        same = [
            np.array_equal(value, frozen(bare)[name])
            for name, value in frozen(lazy).items()
            if name.startswith("discriminator/")
        ]
        assert all(same) == (step % 3 != 0)


def test_a_penalty_counts_as_often_as_its_interval_and_fades() -> None:
    """The extra gradient at a lazy step is interval·weight·final^progress times the penalty's."""
    seen = []

    def penalty(logits: Any, real: Any, fake: Any, alpha: Any) -> tf.Tensor:
        seen.append((real, fake))
        return tf.reduce_sum(logits(real))

    def moved(weight: float, interval: int, final: float, step: int) -> list[np.ndarray]:
        trainer = new_trainer(penalties=Penalties())
        trainer.penalties = [(penalty, Penalty(weight=weight, interval=interval, final=final))]
        gradients: list[Any] = []
        trainer.discriminator_adam.apply = lambda s, *_: gradients.extend(s)  # type: ignore[method-assign]
        real = tf.constant(images(BATCH, 0)[0], tf.float32) / 127.5 - 1.0
        trainer._step(real, tf.zeros(BATCH, tf.int64), tf.constant(step, tf.int64))
        return [gradient.numpy() for gradient in gradients]

    none = moved(0.0, 1, 1.0, 20)
    once = moved(1.0, 1, 1.0, 20)
    lazy = moved(2.0, 4, 0.25, 20)  # half way: 2·4·0.25^½ = 4 times
    for zero, one, four in zip(none, once, lazy, strict=True):
        np.testing.assert_allclose(four - zero, 4 * (one - zero), rtol=1e-3, atol=1e-4)
    assert seen


def test_a_step_tells_what_penalties_add_to_the_loss() -> None:
    """interval·weight·final^progress times the penalty where it is due, and 0 elsewhere."""

    def three(logits: Any, real: Any, fake: Any, alpha: Any) -> tf.Tensor:
        return 3.0 + 0.0 * tf.reduce_sum(logits(real))

    trainer = new_trainer(penalties=Penalties())
    trainer.penalties = [(three, Penalty(weight=2.0, interval=4, final=0.25))]
    told = [train(trainer, step, 1)[STEP_METRICS.index("penalty")] for step in (20, 21)]
    assert told == pytest.approx([12.0, 0.0])
    assert train(new_trainer(penalties=Penalties()), 0, 1)[STEP_METRICS.index("penalty")] == 0.0


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_trains(objective: str) -> None:
    trainer = new_trainer(objective=objective)
    before = frozen(trainer)
    metrics = train(trainer, 0, 3)
    assert metrics.shape == (len(STEP_METRICS),)
    assert np.isfinite(metrics).all()
    after = frozen(trainer)
    for player in ("generator/", "discriminator/", "averaged/"):
        assert any((before[n] != after[n]).any() for n in before if n.startswith(player)), player


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_every_penalty_at_once(architecture: str, precision: Precision) -> None:
    every = Penalties(**{name: Penalty(weight=0.1, interval=2) for name in PENALTIES})
    trainer = new_trainer(architecture=architecture, precision=precision, penalties=every)
    assert np.isfinite(train(trainer, 0, 2)).all()


def test_everything_at_once_in_float16() -> None:
    """Loss scaling, augmentation, a mapping, spectral norm and penalties; no step is skipped."""
    trainer = new_trainer(
        precision="float16",
        mapping=2,
        spectral_norm=True,
        augmentation=["color", "translation", "cutout"],
        penalties=Penalties(r1=Penalty(weight=0.1, interval=2), latent=Penalty(weight=0.1)),
    )
    before = frozen(trainer)
    metrics = train(trainer, 0, 3)
    assert np.isfinite(metrics).all()
    assert (
        0.1 < metrics[STEP_METRICS.index("discriminator_loss")] < 10
    )  # shown as it is, not scaled
    after = frozen(trainer)
    assert all(np.isfinite(value).all() for value in after.values())
    assert trainer.loss_scale is not None
    assert int(trainer.loss_scale.good_steps) > 0
    assert any((before[n] != after[n]).any() for n in before if n.startswith("generator/"))


def test_the_latent_penalty_draws_the_mapped_latent_in() -> None:
    norms = []
    for weight in (0.0, 3.0):
        trainer = new_trainer(
            mapping=2,
            penalties=Penalties(latent=Penalty(weight=weight)),
            generator={"learning_rate": 0.02, "beta_1": 0.0, "beta_2": 0.99},
        )
        train(trainer, 0, 30)
        assert trainer.mapping is not None
        latents = tf.random.stateless_normal((64, 5), [0, 0])
        norms.append(float(latent(trainer.mapping(latents))))
    assert norms[1] < 0.5 * norms[0]


def test_without_a_mapping_the_latent_penalty_moves_nothing() -> None:
    """λE‖z‖² of a fixed prior: its gradient in the generator is exactly zero."""
    states = []
    for penalties in (Penalties(), Penalties(latent=Penalty(weight=100.0))):
        trainer = new_trainer(penalties=penalties)
        train(trainer, 0, 3)
        states.append(frozen(trainer))
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])


def test_spectral_norm_bounds_what_the_discriminator_can_say() -> None:
    """After many steps at a large rate, a change of the image still changes the logit little."""
    logits = {}
    for spectral in (False, True):
        trainer = new_trainer(
            spectral_norm=spectral,
            penalties=Penalties(),
            discriminator={"learning_rate": 0.02, "beta_1": 0.0, "beta_2": 0.9},
        )
        train(trainer, 0, 25)
        pixels, labels = images(BATCH, 0)
        x = tf.constant(pixels, tf.float32) / 127.5 - 1.0
        logits[spectral] = np.ptp(trainer._logits(x, tf.constant(labels)))
    assert logits[True] < logits[False]


def test_real_images_are_scaled_to_what_the_generator_makes() -> None:
    """Black is −1 and white is 1: a discriminator that sums pixels says so."""
    trainer = new_trainer(classes=0)
    trainer._logits = lambda x, _: tf.reduce_mean(x, [1, 2, 3])[:, None] + 0.0 * _touch(trainer)  # type: ignore[method-assign]
    for level, expected in ((0, -1.0), (255, 1.0), (51, -0.6)):
        metrics = trainer._train_steps(
            tf.fill([BATCH, 8, 8, 1], tf.constant(level, tf.uint8)),
            tf.zeros(BATCH, tf.int64),
            tf.constant(0, tf.int64),
        )
        assert float(metrics[STEP_METRICS.index("real_logit")]) == pytest.approx(expected, abs=1e-6)


def _touch(trainer: Trainer) -> tf.Tensor:
    """A number in which every weight of the discriminator has a part."""
    return tf.add_n([tf.reduce_sum(weight) for weight in trainer.discriminator_adam.variables])
