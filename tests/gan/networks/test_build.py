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


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def test_article_generator_layer_by_layer() -> None:
    model = build_generator(Design("article", MNIST, 0, 100))
    assert kinds(model) == [
        "InputLayer",
        *["Dense", "BatchNorm", "LeakyReLU", "Reshape"],
        *["Conv2DTranspose", "BatchNorm", "LeakyReLU"] * 2,
        *["Conv2DTranspose", "Activation"],
    ]
    shapes = [tuple(w.shape) for w in model.trainable_weights if len(w.shape) > 1]
    assert shapes == [(100, 12544), (5, 5, 128, 256), (5, 5, 64, 128), (5, 5, 1, 64)]
    strides = [layer.strides for layer in model.layers if hasattr(layer, "strides")]
    assert strides == [(1, 1), (2, 2), (2, 2)]
    assert {layer.slope for layer in model.layers if hasattr(layer, "slope")} == {0.3}
    weights = 100 * 12544 + 25 * 256 * 128 + 25 * 128 * 64 + 25 * 64 * 1
    assert model.count_params() == weights + 4 * (12544 + 128 + 64)


def test_article_discriminator_layer_by_layer() -> None:
    model = build_discriminator(Design("article", MNIST, 0, 100))
    assert kinds(model) == [
        "InputLayer",
        *["Conv2D", "LeakyReLU", "Dropout"] * 2,
        *["Flatten", "Dense", "Activation"],
    ]
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {
        0.3
    }
    first, second, last = 25 * 64 + 64, 25 * 64 * 128 + 128, 7 * 7 * 128 + 1
    assert model.count_params() == first + second + last


def test_lean_pair_on_labelled_mnist() -> None:
    design = Design("lean", MNIST, 10, 100)
    generator, discriminator = build_generator(design), build_discriminator(design)
    shapes = [tuple(w.shape) for w in generator.trainable_weights if len(w.shape) > 1]
    assert shapes == [(110, 6272), (4, 4, 64, 128), (4, 4, 32, 64), (3, 3, 32, 1)]
    products = 110 * 6272 + 16 * 128 * 64 + 16 * 64 * 32 + (9 * 32 + 1)
    assert generator.count_params() == products + 4 * (128 + 64 + 32)
    shapes = [tuple(w.shape) for w in discriminator.trainable_weights if len(w.shape) > 1]
    assert shapes == [(4, 4, 1, 64), (4, 4, 64, 128), (3, 3, 128, 128), (6272, 10)]
    assert not any(isinstance(layer, BatchNorm) for layer in discriminator.layers)


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
    design = Design(architecture, shape, classes, 7)
    generator, discriminator = build_generator(design), build_discriminator(design)
    labels = [tf.constant([0, 2])] if classes else []
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


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_labels_steer_both_players(architecture: str) -> None:
    keras.utils.set_random_seed(1)
    design = Design(architecture, (16, 16, 1), 3, 8)
    latents = tf.repeat(tf.random.stateless_normal((1, 8), [0, 0]), 3, axis=0)
    labels = tf.range(3)
    images = build_generator(design)([latents, labels], training=True).numpy()
    same = np.repeat(np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 1)), 3, axis=0)
    logits = build_discriminator(design)([tf.constant(same, tf.float32), labels]).numpy()
    for a, b in ((0, 1), (1, 2)):
        assert np.abs(images[a] - images[b]).max() > 1e-4
        assert abs(logits[a] - logits[b]) > 1e-6


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


def test_a_mapping_makes_the_latent_that_the_generator_works_with() -> None:
    plain = build_generator(Design("lean", (16, 16, 1), 3, 8))
    mapped = build_generator(Design("lean", (16, 16, 1), 3, 8, mapping=2))
    assert mapped.count_params() - plain.count_params() == 2 * (8 * 8 + 8)
    assert tuple(mapped.get_layer("mapped").output.shape) == (None, 8)


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
