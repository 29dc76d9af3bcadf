"""Builds the networks from their description."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ganflow.base.runtime import Precision
from ganflow.gan.networks import article, lean, residual
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm
from ganflow.gan.networks.own import Build, own_networks

ARCHITECTURES = {"lean": lean, "article": article, "residual": residual}


def build_generator(design: Design, precision: Precision = "float32") -> keras.Model:
    """Latents (N, latent)[, labels (N,)] to images (N, *shape) in [−1, 1], float32."""
    return ARCHITECTURES[design.architecture].generator(design, _policy(precision))


def build_discriminator(design: Design, precision: Precision = "float32") -> keras.Model:
    """Images (N, *shape)[, labels (N,)] to logits (N, 1), float32."""
    return ARCHITECTURES[design.architecture].discriminator(design, _policy(precision))


def build_networks(
    design: Design, precision: Precision = "float32", build: Build | None = None
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """The generator, the discriminator, and another generator for the averaged weights.

    Args:
        build: the project's own function; None builds what `design.architecture` names.

    Raises:
        GanflowError: the networks of `build` do not fit the design.
    """
    if build is None:
        generator = build_generator(design, precision)
        return generator, build_discriminator(design, precision), build_generator(design, precision)
    averaged, _ = own_networks(build, design, _policy(precision))
    return *own_networks(build, design, _policy(precision)), averaged


def weights_of(model: keras.Model) -> dict[str, tf.Variable]:
    """The weights of a model, trainable or not, by position and name.

    Keras counts layers over the whole process, so their names alone identify nothing.
    """
    return {
        f"{index:03d}/{weight.name}": weight.value for index, weight in enumerate(model.weights)
    }


def settle_batch_norm(model: keras.Model, batches: int, run: Callable[[int], Any]) -> None:
    """Set the running moments to their mean over `batches` calls `run(index)` of the model.

    `run` must not have been traced before the first call of this function.

    The running moments belong to other weights than the averaged ones; this computes them anew
    (Izmailov et al. 2018).
    """
    layers = [layer for layer in model.layers if isinstance(layer, BatchNorm)]
    for layer in layers:
        layer.momentum = 0.0  # a call then leaves the moments of its own batch
    moments = [tensor.value for layer in layers for tensor in (layer.mean, layer.variance)]
    if not layers:
        return
    totals = [tf.zeros_like(moment) for moment in moments]
    for index in range(batches):
        run(index)
        totals = [total + moment for total, moment in zip(totals, moments, strict=True)]
    for moment, total in zip(moments, totals, strict=True):
        moment.assign(total / batches)


def _policy(precision: Precision) -> keras.DTypePolicy:
    name = precision if precision == "float32" else f"mixed_{precision}"
    return keras.DTypePolicy(name)
