"""One training step, compiled, and the state that it changes.

Both networks learn from one forward pass, as in the article: a batch of images is generated once,
and the gradients of both losses are taken through it. All random numbers are a function of the seed
and the number of the step, so a resumed training is the same as an uninterrupted one.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ganflow.base.runtime import Precision
from ganflow.config.train import Penalty, TrainParams
from ganflow.gan import penalties, replicas
from ganflow.gan.adam import Adam
from ganflow.gan.augmentation import augment
from ganflow.gan.loss_scale import LossScale, all_finite
from ganflow.gan.networks.build import build_networks, weights_of
from ganflow.gan.networks.conditioning import MAPPED
from ganflow.gan.networks.design import Design
from ganflow.gan.own_code import BUILT_IN, OwnCode
from ganflow.gan.start import Start

LATENTS, INTERPOLATION = range(2)
"""The streams of random numbers of a step. Augmentation has sub-streams of the second."""

REAL, FAKE = range(2)
"""The sub-streams of the augmentation, one for each kind of images."""

STEP_METRICS = (
    "generator_loss",
    "discriminator_loss",
    "real_logit",
    "fake_logit",
    "learning_rate",
    "penalty",
)
"""What a step returns. The learning rate is the generator's; the penalty is what those on the
discriminator add to its loss, weighted, and 0 at steps without one."""


class Trainer:
    """The generator, the discriminator, their optimizers, and the averaged generator.

    A trainer that is made in the scope of a `tf.distribute` strategy trains on all its replicas.

    Args:
        design: the description of the networks.
        train: the section `train` of the parameters, as `ganflow.gan.defaults.choose` returns it;
            any `auto` that is left is what suits many small images: no augmentation, and 1 for the
            weight of a penalty.
        precision: of matrix products and convolutions. Weights are always float32.
        seed: of the initial weights and of the random numbers of every step.
        own: networks and losses of the project's own code.

    Attributes:
        start: the networks that it began with; None for random ones.
        mapping: from drawn latents to those that the generator uses; None if it learns none.
        steps: the length of the training in steps.
        train_steps: `_train_steps`, compiled.
    """

    def __init__(
        self,
        design: Design,
        train: TrainParams,
        precision: Precision,
        seed: int,
        own: OwnCode = BUILT_IN,
    ) -> None:
        keras.utils.set_random_seed(seed)
        self.design, self.params, self.precision, self.seed = design, train, precision, seed
        self.own = own
        self.start: Start | None = None
        self.strategy = tf.distribute.get_strategy()
        self.generator, self.discriminator, self.averaged = build_networks(
            design, precision, own.build
        )
        self.averaged.set_weights(self.generator.get_weights())
        self.generator_adam = Adam(_trainable(self.generator), train.generator)
        self.discriminator_adam = Adam(_trainable(self.discriminator), train.discriminator)
        self.objective = own.objective(train.objective)
        self.penalties = penalties.chosen(train.penalties)
        latents = self.generator.inputs[0]
        self.mapping = (
            keras.Model(latents, self.generator.get_layer(MAPPED).output)
            if design.mapping
            else None
        )
        self.loss_scale = LossScale() if precision == "float16" else None
        self.steps = train.steps
        self.train_steps = tf.function(
            self._train_steps,
            input_signature=[
                tf.TensorSpec((None, *design.shape), tf.uint8),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((), tf.int64),
            ],
        )

    def state(self) -> dict[str, tf.Variable]:
        """Every variable that the next step depends on, by name."""
        scale = self.loss_scale
        groups = {
            "generator": [variable.value for variable in self.generator.variables],
            "discriminator": [variable.value for variable in self.discriminator.variables],
            "averaged": [variable.value for variable in self.averaged.variables],
            "generator_adam": self.generator_adam.first + self.generator_adam.second,
            "discriminator_adam": self.discriminator_adam.first + self.discriminator_adam.second,
            "loss_scale": [scale.factor, scale.good_steps] if scale else [],
        }
        return {
            f"{group}/{index:03d}": variable
            for group, variables in groups.items()
            for index, variable in enumerate(variables)
        }

    def kept_weights(self) -> dict[str, tf.Variable]:
        """The weights that a model keeps, by network and name: of the averaged generator, and of
        the discriminator."""
        networks = {"generator": self.averaged, "discriminator": self.discriminator}
        return {
            f"{network}/{name}": variable
            for network, model in networks.items()
            for name, variable in weights_of(model).items()
        }

    def start_from(self, start: Start) -> None:
        """Begin with the networks of a trained model. The optimizers begin anew."""
        self.start = start
        for network, weights in (
            (self.generator, start.generator),
            (self.averaged, start.generator),
            (self.discriminator, start.discriminator),
        ):
            for name, variable in weights_of(network).items():
                variable.assign(weights[name])

    def _train_steps(
        self, images: tf.Tensor, labels: tf.Tensor, first_step: tf.Tensor
    ) -> tf.Tensor:
        """Train one step on each whole batch of `images`.

        Args:
            images: real images, uint8 (n·batch, H, W, C).
            labels: int64 (n·batch,); unused if the model is unconditional.
            first_step: int64 scalar, the number of steps before these.

        Returns:
            float32 (6,): the means of `STEP_METRICS` over these steps.
        """
        batch = self.params.batch
        steps = tf.shape(images, out_type=tf.int64)[0] // batch
        totals = tf.zeros(len(STEP_METRICS))
        for index in tf.range(steps):
            rows = slice(index * batch, (index + 1) * batch)
            real = tf.ensure_shape(images[rows], (batch, *self.design.shape))
            real = tf.cast(real, tf.float32) / 127.5 - 1.0
            known = tf.ensure_shape(labels[rows], (batch,))
            step = first_step + index
            totals += replicas.run_in_replicas(self.strategy, self._step, real, known, step)
        return totals / tf.cast(steps, tf.float32)

    def _step(self, real: tf.Tensor, labels: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """One step on a whole batch, of which this replica takes its shard."""
        shape = (self.params.batch, self.design.latent)
        latents = tf.random.stateless_normal(shape, self._seed(LATENTS, step))
        real, labels, latents = (replicas.local_shard(rows) for rows in (real, labels, latents))
        with tf.GradientTape(persistent=True) as tape:
            fake = self._images(latents, labels)
            real, fake = self._augmented(real, REAL, step), self._augmented(fake, FAKE, step)
            logits = self._logits(real, labels), self._logits(fake, labels)
            discriminator_loss = self.objective.discriminator(*logits)
            generator_loss = self.objective.generator(*logits)
            minimised = self._scaled(
                discriminator_loss, generator_loss + self._latent_penalty(latents, step)
            )
        gradients = tape.gradient(minimised[0], self.discriminator_adam.variables)
        generator_gradients = tape.gradient(minimised[1], self.generator_adam.variables)
        penalised = tf.constant(0.0)
        for penalty, settings in self.penalties:
            gradients, value = self._add_penalty(
                gradients, penalty, settings, real, fake, labels, step
            )
            penalised += value
        metrics = self._metrics(generator_loss, discriminator_loss, logits, step, penalised)
        means = replicas.mean([gradients, generator_gradients, metrics])
        self._update(means[0], means[1], step)
        return means[2]

    def _metrics(
        self,
        generator_loss: tf.Tensor,
        discriminator_loss: tf.Tensor,
        logits: tuple[tf.Tensor, tf.Tensor],
        step: tf.Tensor,
        penalised: tf.Tensor,
    ) -> tf.Tensor:
        """The values of `STEP_METRICS`, float32 (6,)."""
        real_logits, fake_logits = logits
        return tf.stack(
            [
                generator_loss,
                discriminator_loss,
                tf.reduce_mean(real_logits),
                tf.reduce_mean(fake_logits),
                self.params.generator.learning_rate * self._schedule(step),
                penalised,
            ]
        )

    def _update(
        self,
        gradients: Sequence[tf.Tensor],
        generator_gradients: Sequence[tf.Tensor],
        step: tf.Tensor,
    ) -> None:
        """Apply the gradients of both networks, and move the averaged weights."""
        share, count = self._schedule(step), tf.cast(step, tf.float32) + 1.0

        def apply(discriminator: Sequence[tf.Tensor], generator: Sequence[tf.Tensor]) -> None:
            self.discriminator_adam.apply(discriminator, share, count)
            self.generator_adam.apply(generator, share, count)
            self._average()

        if self.loss_scale is None:
            apply(gradients, generator_gradients)
            return
        gradients = self.loss_scale.unscale(gradients)
        generator_gradients = self.loss_scale.unscale(generator_gradients)
        finite = all_finite([*gradients, *generator_gradients])
        if finite:
            apply(gradients, generator_gradients)
        self.loss_scale.update(finite)

    def _add_penalty(
        self,
        gradients: Sequence[tf.Tensor],
        penalty: penalties.PenaltyFunction,
        settings: Penalty,
        real: tf.Tensor,
        fake: tf.Tensor,
        labels: tf.Tensor,
        step: tf.Tensor,
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Add the gradient of a penalty at every `interval`-th step (Karras et al. 2020, lazy).

        Returns:
            The sums, and what the penalty adds to the loss, a float32 scalar.
        """
        alpha = tf.random.stateless_uniform((self.params.batch,), self._seed(INTERPOLATION, step))
        alpha = replicas.local_shard(alpha)

        def penalised() -> tuple[list[tf.Tensor], tf.Tensor]:
            with tf.GradientTape() as tape:
                value = penalty(lambda images: self._logits(images, labels), real, fake, alpha)
                value *= self._weight(settings, step)
                (minimised,) = self._scaled(value)
            variables = self.discriminator_adam.variables
            added = tape.gradient(minimised, variables, unconnected_gradients="zero")
            return [gradient + more for gradient, more in zip(gradients, added, strict=True)], value

        def unchanged() -> tuple[list[tf.Tensor], tf.Tensor]:
            return list(gradients), tf.constant(0.0)

        return tf.cond(step % settings.interval == 0, penalised, unchanged)  # type: ignore[no-any-return]

    def _latent_penalty(self, latents: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """The penalty on the mapped latents, at every `interval`-th step; else 0."""
        settings = self.params.penalties.latent
        if settings is None or self.mapping is None:
            return 0.0
        due = tf.cast(step % settings.interval == 0, tf.float32)
        return due * self._weight(settings, step) * penalties.latent(self.mapping(latents))

    def _weight(self, settings: Penalty, step: tf.Tensor) -> tf.Tensor:
        """The weight of a penalty at a step at which it is due."""
        weight = 1.0 if settings.weight == "auto" else settings.weight
        return weight * settings.interval * settings.final ** self._progress(step)

    def _scaled(self, *losses: tf.Tensor) -> Sequence[tf.Tensor]:
        """The losses of which gradients are taken: scaled in float16."""
        return [self.loss_scale.scale(loss) for loss in losses] if self.loss_scale else losses

    def _augmented(self, images: tf.Tensor, kind: int, step: tf.Tensor) -> tf.Tensor:
        """Images as the discriminator sees them."""
        changes = self.params.augmentation
        if not changes or changes == "auto":
            return images
        seed = tf.random.experimental.stateless_fold_in(self._seed(INTERPOLATION, step), kind)
        return augment(images, changes, seed)

    def _images(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return self.generator(
            [latents, labels] if self.design.classes else [latents], training=True
        )

    def _logits(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        inputs = [images, labels] if self.design.classes else [images]
        return self.discriminator(inputs, training=True)

    def _average(self) -> None:
        """Update the exponential moving average of the generator's weights."""
        half_life = self.params.ema_half_life
        for average, weight in zip(
            _trainable(self.averaged), self.generator_adam.variables, strict=True
        ):
            if half_life:
                share = 1.0 - 0.5 ** (self.params.batch / half_life)
                average.assign_add(share * (weight - average))
            else:
                average.assign(weight)

    def _schedule(self, step: tf.Tensor) -> tf.Tensor:
        """The factor of the learning rates at `step`."""
        if self.params.schedule == "linear":
            return 1.0 - self._progress(step)
        if self.params.schedule == "cosine":
            return 0.5 * (1.0 + tf.cos(3.141592653589793 * self._progress(step)))
        if self.params.schedule == "cooldown":
            left = tf.cast(self.steps - step, tf.float32)
            return tf.minimum(1.0, left / float(self._cooldown_steps))
        return tf.constant(1.0)

    @property
    def longer_from(self) -> int:
        """The last step that does not depend on the training's length; 0 if the first one does."""
        fixed = all(penalty.final == 1.0 for _, penalty in self.penalties)
        if self.params.schedule != "cooldown" or not self.params.snapshot_every or not fixed:
            return 0
        return self.steps - self._cooldown_steps

    @property
    def _cooldown_steps(self) -> int:
        return min(self.steps, max(1, self.params.cooldown // self.params.batch))

    def _progress(self, step: tf.Tensor) -> tf.Tensor:
        """The share of the training before `step`, from 0 to 1."""
        return tf.cast(step, tf.float32) / float(self.steps)

    def _seed(self, stream: int, step: tf.Tensor) -> tf.Tensor:
        """The seed of one stream of random numbers at `step`, int64 (2,)."""
        return tf.stack([tf.constant(self.seed * 2 + stream, tf.int64), step])


def _trainable(model: keras.Model) -> list[tf.Variable]:
    return [weight.value for weight in model.trainable_weights]
