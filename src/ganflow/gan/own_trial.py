"""One step of networks and an objective on a few random images, before they are trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganflow.base.errors import GanflowError
from ganflow.config.train import TrainParams
from ganflow.gan import penalties
from ganflow.gan.networks.design import Design
from ganflow.gan.objectives import Objective

ROWS = 4
"""Images in the batch."""

BOUND = 1.01
"""The largest absolute value of a pixel: 1, and what bfloat16 may round."""


@dataclass(frozen=True)
class Trial:
    """A step without an update; penalties are part of it, as they need second derivatives."""

    generator: keras.Model
    discriminator: keras.Model
    objective: Objective
    train: TrainParams
    design: Design

    def check(self) -> None:
        """Check that all of it is numbers, and that both networks learn.

        Raises:
            GanflowError: with the first of these that is not so.
        """
        made = tf.function(lambda: self._images(training=False))().numpy()
        if not np.abs(made).max() <= BOUND:  # false for NaN too
            raise self._wrong(
                "architecture",
                f"pixels from {made.min():.4g} to {made.max():.4g}",
                "images in [−1, 1], as tanh makes them",
            )
        added = [penalty for penalty, _ in penalties.chosen(self.train.penalties)]
        logits, losses, gradients = tf.function(lambda: self._step(added))()
        for name, values in zip(("real", "generated"), logits, strict=True):
            self._check_finite("architecture", f"logits of {name} images", values)
        for (role, model), loss, found in zip(self._learners(), losses, gradients, strict=True):
            self._check_finite("objective", f"the {role}'s loss", loss)
            self._check_gradients(role, model, found)

    def _step(self, added: Sequence[penalties.PenaltyFunction]) -> tuple[Any, ...]:
        with tf.GradientTape(persistent=True) as tape:
            fake = self._images(training=True)
            real = tf.random.stateless_uniform(fake.shape, (1, 0), -1.0, 1.0)
            logits = self._logits(real), self._logits(fake)
            losses = self.objective.discriminator(*logits), self.objective.generator(*logits)
        gradients = [
            tape.gradient(loss, _trainable(model))
            for loss, (_, model) in zip(losses, self._learners(), strict=True)
        ]
        for penalty in added:
            with tf.GradientTape() as tape:
                value = penalty(self._logits, real, fake, tf.fill((ROWS,), 0.5))
            tape.gradient(value, _trainable(self.discriminator))
        return logits, losses, gradients

    def _learners(self) -> tuple[tuple[str, keras.Model], tuple[str, keras.Model]]:
        return ("discriminator", self.discriminator), ("generator", self.generator)

    def _images(self, training: bool) -> tf.Tensor:
        latents = tf.random.stateless_normal((ROWS, self.design.latent), (0, 0))
        return self.generator([latents, *self._labels()], training=training)

    def _logits(self, images: tf.Tensor) -> tf.Tensor:
        return self.discriminator([images, *self._labels()], training=True)

    def _labels(self) -> list[tf.Tensor]:
        classes = self.design.classes
        return [tf.constant(np.arange(ROWS) % classes, tf.int64)] if classes else []

    def _check_gradients(
        self, role: str, model: keras.Model, gradients: Sequence[tf.Tensor | None]
    ) -> None:
        weights = model.trainable_weights
        if lost := [w.path for w, g in zip(weights, gradients, strict=True) if g is None]:
            raise self._wrong(
                "objective",
                f"no gradient of the {role}'s loss to {len(lost)} of its {len(weights)} weights: "
                f"{', '.join(lost[:3])}",
                "a loss that is a differentiable function of every trainable weight, through the "
                "logits",
            )
        values = np.concatenate([np.ravel(tf.convert_to_tensor(g)) for g in gradients])
        self._check_finite("objective", f"a gradient of the {role}'s loss", values)
        if not values.any():
            raise self._wrong(
                "objective",
                f"a gradient of the {role}'s loss that is zero for all of its weights",
                "a loss from which it can learn",
            )

    def _check_finite(self, key: str, what: str, values: Any) -> None:
        wrong = np.ravel(values)[~np.isfinite(np.ravel(values))]
        if len(wrong):
            raise self._wrong(key, f"{what}: {wrong[0]}", "numbers that are finite")

    def _wrong(self, key: str, found: str, expected: str) -> GanflowError:
        architecture, objective = self.design.architecture, self.train.objective
        named = {"architecture": f"model.architecture: {architecture}"}
        named["objective"] = f"train.objective: {objective}"
        return GanflowError(
            f"{found}, on {ROWS} random images",
            where=f"{named[key]}, together with "
            + named["objective" if key == "architecture" else "architecture"],
            expected=expected,
            run="mend it, then dvc repro train",
        )


def _trainable(model: keras.Model) -> list[tf.Variable]:
    return [weight.value for weight in model.trainable_weights]
