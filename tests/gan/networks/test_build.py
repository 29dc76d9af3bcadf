"""The networks: what they are made of, and every shape of image they are for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow.gan.networks.build import (
    ARCHITECTURES,
    build_discriminator,
    build_generator,
    settle_batch_norm,
    weights_of,
)
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm

MNIST = (28, 28, 1)


SHAPES = [
    (8, 8, 1),
    (9, 9, 3),
    (16, 24, 3),
    (28, 28, 1),
    (31, 17, 1),
    (32, 32, 3),
    (48, 48, 1),
    (64, 64, 3),
    (100, 60, 3),
    (128, 128, 3),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("classes", [0, 3])
def test_any_size(architecture: str, shape: tuple[int, int, int], classes: int) -> None:
    check_shapes(Design(architecture, shape, classes, 7))


@pytest.mark.parametrize("shape", [(33, 8, 1), (50, 64, 3), (64, 48, 3), (128, 96, 1)], ids=str)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_any_size_as_above_32_pixels(architecture: str, shape: tuple[int, int, int]) -> None:
    check_shapes(Design(architecture, shape, 3, 7, width=16, coarsest=4))


def check_shapes(design: Design) -> None:
    generator, discriminator = build_generator(design), build_discriminator(design)
    shape, labels = design.shape, [tf.constant([0, 2])] if design.classes else []
    images = generator([tf.random.normal((2, 7)), *labels])
    assert tuple(images.shape) == (2, *shape)
    assert images.dtype == tf.float32
    assert float(tf.reduce_max(tf.abs(images))) <= 1.0
    logits = discriminator([images, *labels])
    assert tuple(logits.shape) == (2, 1)
    assert logits.dtype == tf.float32


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_weights_are_float32_whatever_is_multiplied(architecture: str, precision: str) -> None:
    design = Design(architecture, (16, 16, 3), 4, 5)
    for model in (build_generator(design, precision), build_discriminator(design, precision)):  # type: ignore[arg-type]
        assert {w.dtype for w in model.trainable_weights} == {"float32"}
        assert model.output.dtype == "float32"
        assert any(layer.compute_dtype == precision for layer in model.layers)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_weight_of_the_generator_matters(architecture: str) -> None:
    """No layer is cut off: each trainable weight has a gradient that is not all zero."""
    keras.utils.set_random_seed(0)
    design = Design(architecture, (16, 16, 1), 3, 8)
    generator, discriminator = build_generator(design), build_discriminator(design)
    for weight in [*generator.trainable_weights, *discriminator.trainable_weights]:
        if not np.any(weight.numpy()):  # zero-initialised ones hide what comes before them
            weight.assign(np.full(weight.shape, 0.01, np.float32))
    labels = tf.constant(np.arange(12) % 3)
    latents = tf.random.stateless_normal((12, 8), [0, 0])
    with tf.GradientTape() as tape:
        logits = discriminator([generator([latents, labels], training=True), labels])
        loss = tf.reduce_sum(logits**2)
    weights = [w.value for w in (*generator.trainable_weights, *discriminator.trainable_weights)]
    for weight, slope in zip(weights, tape.gradient(loss, weights), strict=True):
        assert slope is not None, weight.name
        assert float(tf.reduce_max(tf.abs(slope))) > 0, weight.name


def test_weights_are_named_by_position() -> None:
    design = Design("lean", (16, 16, 1), 0, 8)
    first, second = build_generator(design), build_generator(design)
    assert list(weights_of(first)) == list(weights_of(second))
    assert len(weights_of(first)) == len(first.weights)


def test_settled_moments_are_the_means_over_the_batches() -> None:
    model = keras.Sequential([keras.Input((3,)), BatchNorm()])
    data = np.random.default_rng(0).normal(1, 2, (4, 50, 3)).astype(np.float32)
    model.layers[0].mean.assign([9.0, 9.0, 9.0])
    settle_batch_norm(model, 4, lambda index: model(tf.constant(data[index]), training=True))
    layer = model.layers[0]
    np.testing.assert_allclose(layer.mean, data.mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(layer.variance, data.var(1, ddof=1).mean(0), rtol=1e-4)


def test_the_residual_pair_starts_as_its_resampling_path() -> None:
    """Zero last convolutions: what a block adds is nothing, until it has learned something."""
    keras.utils.set_random_seed(3)
    model = build_discriminator(Design("residual", (16, 16, 1), 0, 8))
    added = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert len(added) == 2
    parts = keras.Model(model.inputs, [pair for layer in added for pair in layer.input])
    found = parts(tf.random.stateless_normal((2, 16, 16, 1), [0, 0]))
    for path, block in zip(found[::2], found[1::2], strict=True):
        assert float(tf.reduce_max(tf.abs(path))) > 0
        assert float(tf.reduce_max(tf.abs(block))) == 0
