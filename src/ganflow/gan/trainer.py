"""One step of the game, compiled, and the state it changes.

Both players learn from one forward pass, as in the article: the generator's images are made
once, and each player's gradient is taken through them. Everything random is a function of
the seed and the step's number, so a training that was interrupted goes on as if it had not
been.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ganflow.base.runtime import Precision
from ganflow.config.train import Penalty, Train
from ganflow.gan import penalties, replicas
from ganflow.gan.adam import Adam
from ganflow.gan.augmentation import augment
from ganflow.gan.loss_scale import LossScale, all_finite
from ganflow.gan.networks.build import build_discriminator, build_generator, weights_of
from ganflow.gan.networks.conditioning import MAPPED
from ganflow.gan.networks.design import Design
from ganflow.gan.objectives import OBJECTIVES

LATENTS, BETWEEN = range(2)
"""What a step draws random numbers for: each has a stream of its own."""

OF_REAL, OF_FAKE = range(2)
"""Whose augmentation a stream is for."""

FIGURES = ("generator_loss", "discriminator_loss", "real_logit", "fake_logit", "learning_rate")
"""What a step reports; the rate is the generator's."""


class Game:
    """Two networks, their optimizers, and the generator's averaged weights.

    Made in the scope of a `tf.distribute` strategy, it is played in all of its replicas.

    Args:
        design: of the networks.
        train: the recipe.
        precision: of products and convolutions; weights are always float32.
        seed: of the weights' initial values and of every step's draws.
    """

    def __init__(self, design: Design, train: Train, precision: Precision, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.design, self.params, self.seed = design, train, seed
        self.strategy = tf.distribute.get_strategy()
        self.generator = build_generator(design, precision)
        self.discriminator = build_discriminator(design, precision)
        self.averaged = build_generator(design, precision)
        self.averaged.set_weights(self.generator.get_weights())
        self.generator_adam = Adam(_trainable(self.generator), train.generator)
        self.discriminator_adam = Adam(_trainable(self.discriminator), train.discriminator)
        self.objective = OBJECTIVES[train.objective]
        self.penalties = penalties.chosen(train.penalties)
        self.mapping = _mapping(self.generator, design)
        self.scaling = LossScale() if precision == "float16" else None
        self.steps = max(1, train.images // train.batch)
        self.play = tf.function(
            self._play,
            input_signature=[
                tf.TensorSpec((None, *design.shape), tf.uint8),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((), tf.int64),
            ],
        )

    def state(self) -> dict[str, tf.Variable]:
        """Every variable that the next step depends on, by name."""
        named = {
            f"{player}/{index:03d}": variable.value
            for player in ("generator", "discriminator", "averaged")
            for index, variable in enumerate(getattr(self, player).variables)
        }
        for player in ("generator", "discriminator"):
            for index, moments in enumerate(getattr(self, f"{player}_adam").state):
                for name, variable in zip(("first", "second"), moments, strict=True):
                    named[f"{player}_adam/{index:03d}/{name}"] = variable
        if self.scaling:
            named |= {"scale/factor": self.scaling.factor, "scale/good": self.scaling.good}
        return named

    def averaged_weights(self) -> dict[str, tf.Variable]:
        """The averaged generator's weights by the names they are saved under."""
        return weights_of(self.averaged)

    def _play(self, images: tf.Tensor, labels: tf.Tensor, done: tf.Tensor) -> tf.Tensor:
        """Play as many steps as there are whole batches.

        Args:
            images: uint8 (n·batch, H, W, C), real, in the order they are to be seen.
            labels: int64 (n·batch,); unused when unconditional.
            done: steps that were played before.

        Returns:
            float32 (5,): the means of `FIGURES` over these steps.
        """
        batch = self.params.batch
        steps = tf.shape(images, out_type=tf.int64)[0] // batch
        totals = tf.zeros(len(FIGURES))
        for index in tf.range(steps):
            rows = slice(index * batch, (index + 1) * batch)
            real = tf.ensure_shape(images[rows], (batch, *self.design.shape))
            real = tf.cast(real, tf.float32) / 127.5 - 1.0
            known = tf.ensure_shape(labels[rows], (batch,))
            totals += replicas.in_each(self.strategy, self._step, real, known, done + index)
        return totals / tf.cast(steps, tf.float32)

    def _step(self, real: tf.Tensor, labels: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """One step in one replica, from the whole batch and with its own part of it."""
        latents = tf.random.stateless_normal(
            (self.params.batch, self.design.latent), self._draw(LATENTS, step)
        )
        real, labels, latents = (replicas.own(rows) for rows in (real, labels, latents))
        with tf.GradientTape(persistent=True) as tape:
            fake = self._images(latents, labels)
            seen, fake_seen = self._seen(real, OF_REAL, step), self._seen(fake, OF_FAKE, step)
            real_logits, fake_logits = self._logits(seen, labels), self._logits(fake_seen, labels)
            discriminator_loss = self.objective.discriminator(real_logits, fake_logits)
            generator_loss = self.objective.generator(real_logits, fake_logits)
            aims = [discriminator_loss, generator_loss + self._latent_penalty(latents, step)]
            if self.scaling:
                aims = [self.scaling.up(aim) for aim in aims]
        slopes = tape.gradient(aims[0], self.discriminator_adam.variables)
        generator_slopes = tape.gradient(aims[1], self.generator_adam.variables)
        for penalty, setting in self.penalties:
            slopes = self._penalised(slopes, penalty, setting, seen, fake_seen, labels, step)

        figures = tf.stack(
            [
                generator_loss,
                discriminator_loss,
                tf.reduce_mean(real_logits),
                tf.reduce_mean(fake_logits),
                self.params.generator.learning_rate * self._rate(step),
            ]
        )
        slopes, generator_slopes, figures = replicas.mean([slopes, generator_slopes, figures])
        self._update(slopes, generator_slopes, step)
        return figures

    def _update(
        self, slopes: Sequence[tf.Tensor], generator_slopes: Sequence[tf.Tensor], step: tf.Tensor
    ) -> None:
        """Let both players take their steps, and the averaged weights follow."""
        rate, count = self._rate(step), tf.cast(step, tf.float32) + 1.0

        def apply(slopes: Sequence[tf.Tensor], generator_slopes: Sequence[tf.Tensor]) -> None:
            self.discriminator_adam.apply(slopes, rate, count)
            self.generator_adam.apply(generator_slopes, rate, count)
            self._average()

        if self.scaling is None:
            apply(slopes, generator_slopes)
            return
        slopes, generator_slopes = self.scaling.down(slopes), self.scaling.down(generator_slopes)
        finite = all_finite([*slopes, *generator_slopes])
        if finite:
            apply(slopes, generator_slopes)
        self.scaling.learn(finite)

    def _penalised(
        self,
        slopes: Sequence[tf.Tensor],
        penalty: penalties.PenaltyFunction,
        setting: Penalty,
        real: tf.Tensor,
        fake: tf.Tensor,
        labels: tf.Tensor,
        step: tf.Tensor,
    ) -> list[tf.Tensor]:
        """Add a penalty's gradient at every `interval`-th step (lazily; Karras et al. 2020)."""
        alpha = tf.random.stateless_uniform((self.params.batch,), self._draw(BETWEEN, step))
        alpha = replicas.own(alpha)

        def added() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                value = penalty(lambda images: self._logits(images, labels), real, fake, alpha)
                value *= self._weight(setting, step)
                if self.scaling:
                    value = self.scaling.up(value)
            extra = tape.gradient(
                value, self.discriminator_adam.variables, unconnected_gradients="zero"
            )
            return [slope + more for slope, more in zip(slopes, extra, strict=True)]

        return tf.cond(step % setting.interval == 0, added, lambda: list(slopes))  # type: ignore[no-any-return]

    def _latent_penalty(self, latents: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """The generator's penalty on its mapped latents, at every `interval`-th step."""
        setting = self.params.penalties.latent
        if setting is None or self.mapping is None:
            return 0.0
        due = tf.cast(step % setting.interval == 0, tf.float32)
        return due * self._weight(setting, step) * penalties.latent(self.mapping(latents))

    def _weight(self, setting: Penalty, step: tf.Tensor) -> tf.Tensor:
        """A penalty's weight at a step at which it is due."""
        return setting.weight * setting.interval * setting.final ** self._progress(step)

    def _seen(self, images: tf.Tensor, whose: int, step: tf.Tensor) -> tf.Tensor:
        """Images as the discriminator sees them."""
        if not self.params.augmentation:
            return images
        key = tf.random.experimental.stateless_fold_in(self._draw(BETWEEN, step), whose)
        return augment(images, self.params.augmentation, key)

    def _images(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        inputs = [latents, labels] if self.design.classes else [latents]
        return self.generator(inputs, training=True)

    def _logits(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        inputs = [images, labels] if self.design.classes else [images]
        return self.discriminator(inputs, training=True)

    def _average(self) -> None:
        """Move the averaged weights towards the generator's, by their half-life in images."""
        half_life = self.params.ema_half_life
        for average, weight in zip(
            _trainable(self.averaged), self.generator_adam.variables, strict=True
        ):
            if half_life:
                share = 1.0 - 0.5 ** (self.params.batch / half_life)
                average.assign_add(share * (weight - average))
            else:
                average.assign(weight)

    def _rate(self, step: tf.Tensor) -> tf.Tensor:
        """The share of the learning rate at `step`."""
        if self.params.schedule == "linear":
            return 1.0 - self._progress(step)
        if self.params.schedule == "cosine":
            return 0.5 * (1.0 + tf.cos(3.141592653589793 * self._progress(step)))
        return tf.constant(1.0)

    def _progress(self, step: tf.Tensor) -> tf.Tensor:
        """The share of the training that lies behind, from 0 to 1."""
        return tf.cast(step, tf.float32) / float(self.steps)

    def _draw(self, purpose: int, step: tf.Tensor) -> tf.Tensor:
        """The seed of a step's random numbers for one purpose."""
        return tf.stack([tf.constant(self.seed * 2 + purpose, tf.int64), step])


def _trainable(model: keras.Model) -> list[tf.Variable]:
    return [weight.value for weight in model.trainable_weights]


def _mapping(generator: keras.Model, design: Design) -> keras.Model | None:
    """The part of a generator from the drawn latent to the one it works with, if learned."""
    if not design.mapping:
        return None
    return keras.Model(generator.inputs[0], generator.get_layer(MAPPED).output)
