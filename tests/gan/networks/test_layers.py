"""Layers against NumPy."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow.gan.networks.layers import (
    BatchNorm,
    CentreCrop,
    ClassLogit,
    Clip,
    ConcatOneHot,
    Dropout,
    LeakyReLU,
    UpsampleNearest,
)
from ganflow.gan.networks.spectral import SpectralConv2D, SpectralDense

POLICY = keras.DTypePolicy("mixed_bfloat16")


def drawn(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(2.0, 3.0, shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(32, 6), (8, 5, 4, 6)])
def test_batch_norm_in_training(shape: tuple[int, ...]) -> None:
    layer = BatchNorm()
    layer.build(shape)
    scale, offset = drawn((6,), 1), drawn((6,), 2)
    layer.scale.assign(scale)
    layer.offset.assign(offset)
    x = drawn(shape)
    found = layer(tf.constant(x), training=True).numpy()
    axes = tuple(range(len(shape) - 1))
    mean, variance = x.mean(axes), x.var(axes)
    expected = (x - mean) / np.sqrt(variance + 1e-3) * scale + offset
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    count = x.size // 6
    np.testing.assert_allclose(layer.mean, 0.01 * mean, rtol=1e-3, atol=1e-5)
    unbiased = variance * count / (count - 1)
    np.testing.assert_allclose(layer.variance, 0.99 + 0.01 * unbiased, rtol=1e-4)


@pytest.mark.parametrize("shape", [(32, 6), (8, 5, 4, 6)])
def test_batch_norm_at_rest(shape: tuple[int, ...]) -> None:
    layer = BatchNorm()
    layer.build(shape)
    mean, variance = drawn((6,), 1), np.abs(drawn((6,), 2)) + 0.1
    layer.mean.assign(mean)
    layer.variance.assign(variance)
    x = drawn(shape)
    expected = (x - mean) / np.sqrt(variance + 1e-3)
    np.testing.assert_allclose(layer(tf.constant(x)), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(layer.mean, mean)


def test_batch_norm_has_the_gradient_of_its_formula() -> None:
    layer = BatchNorm()
    layer.build((16, 3, 3, 2))
    x, w = tf.constant(drawn((16, 3, 3, 2))), tf.constant(drawn((16, 3, 3, 2), 5))

    def formula(x: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        return (x - mean) / tf.sqrt(variance + 1e-3)

    gradients = []
    for function in (lambda x: layer(x, training=True), formula):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(function(x) * w)
        gradients.append(tape.gradient(value, x).numpy())
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-4)


def test_batch_norm_in_bfloat16_keeps_its_weights_and_moments_in_float32() -> None:
    layer = BatchNorm(dtype=keras.DTypePolicy("mixed_bfloat16"))
    x = drawn((64, 4, 4, 6))
    found = layer(tf.constant(x, tf.bfloat16), training=True)
    assert found.dtype == tf.bfloat16
    assert {w.dtype for w in layer.weights} == {"float32"}
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(tf.cast(found, tf.float32), expected, atol=0.05)


def test_with_label_puts_the_class_beside_the_latent() -> None:
    found = ConcatOneHot(3)(tf.constant([[0.5, -1.0]] * 2), tf.constant([2, 0])).numpy()
    np.testing.assert_array_equal(found, [[0.5, -1.0, 0, 0, 1], [0.5, -1.0, 1, 0, 0]])


def test_logit_of_label() -> None:
    logits = drawn((5, 4))
    labels = np.array([3, 0, 1, 1, 2])
    found = ClassLogit()(tf.constant(logits), tf.constant(labels)).numpy()
    np.testing.assert_array_equal(found[:, 0], logits[np.arange(5), labels])


def test_centre_crop() -> None:
    x = np.arange(7 * 8).reshape(1, 7, 8, 1).astype(np.float32)
    found = CentreCrop(4, 6)(tf.constant(x)).numpy()
    np.testing.assert_array_equal(found, x[:, 1:5, 1:7])


def test_leaky_relu_and_both_its_gradients() -> None:
    """Against TensorFlow's own, once and twice differentiated, as a gradient penalty does."""
    x, w = tf.constant(drawn((40,)) - 2.0), tf.constant(drawn((40,), 3))
    found = []
    for function in (LeakyReLU(0.2), lambda x: tf.nn.leaky_relu(x, 0.2)):
        with tf.GradientTape() as outer:
            outer.watch([x, w])
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_sum(function(x) ** 2 * w)
            slope = inner.gradient(value, x)
            norm = tf.reduce_sum(slope**2)
        found.append([value, slope, *outer.gradient(norm, [x, w])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert (x.numpy() < 0).any()


def test_the_graph_of_a_penalised_discriminator_is_optimised(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With TensorFlow's own leaky ReLU, grappler's remapper gives up and says so."""
    images = keras.Input((8, 8, 1))
    x = LeakyReLU(0.2)(keras.layers.Conv2D(4, 4, 2, "same")(images))
    model = keras.Model(images, keras.layers.Dense(1)(keras.layers.Flatten()(x)))

    @tf.function  # type: ignore[untyped-decorator]
    def step(x: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(model(x) ** 2)
        return tape.gradient(value, [w.value for w in model.trainable_weights])  # type: ignore[no-any-return]

    step(tf.ones((4, 8, 8, 1)))
    assert "remapper failed" not in capfd.readouterr().err


def test_repeat_makes_each_value_four_times() -> None:
    x = drawn((2, 3, 5, 4))
    found = UpsampleNearest()(tf.constant(x))
    np.testing.assert_array_equal(found, x.repeat(2, axis=1).repeat(2, axis=2))
    assert UpsampleNearest()(keras.Input((3, 5, 4))).shape == (None, 6, 10, 4)


def test_clip_lets_a_training_generator_find_its_way_back() -> None:
    x = tf.constant([-3.0, -0.5, 0.5, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(Clip()(x, training=True))
    np.testing.assert_array_equal(tape.gradient(value, x), np.ones(4))
    np.testing.assert_array_equal(Clip()(x), [-1.0, -0.5, 0.5, 1.0])


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    layer, x = Dropout(0.3, seed=2), tf.ones((50, 20, 40, 1))
    found = [layer(x, training=True).numpy() for _ in range(2)]
    for values in found:
        np.testing.assert_allclose(np.unique(values), [0, 1 / 0.7], rtol=1e-6)
        # 40,000 draws: four standard deviations are 0.0092
        assert abs((values == 0).mean() - 0.3) < 0.0092
        # neighbours, which share 32 random bits, are dropped independently
        pairs = (values.reshape(-1, 2) == 0).mean(axis=0), (values.reshape(-1, 2) == 0).all(1)
        np.testing.assert_allclose(pairs[0], 0.3, atol=0.013)
        assert abs(pairs[1].mean() - 0.09) < 0.0081
    assert 0.3 < (found[0] != found[1]).mean() < 0.54
    np.testing.assert_array_equal(layer(x), x)


def test_what_is_dropped_gets_no_gradient() -> None:
    layer, x = Dropout(0.5, seed=1), tf.constant(drawn((3, 5, 7)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), np.where(y.numpy() == 0, 0.0, 2.0))


@pytest.mark.parametrize(
    ("layer", "name"),
    [(ConcatOneHot(3), "WithLabel"), (ClassLogit(), "LogitOfLabel"), (UpsampleNearest(), "Repeat")],
)
def test_files_name_the_layers_as_they_always_did(layer: keras.layers.Layer, name: str) -> None:
    """An exported model of an earlier version loads."""
    saved = keras.saving.serialize_keras_object(layer)
    assert saved["registered_name"] == f"ganflow>{name}"
    assert type(keras.saving.deserialize_keras_object(saved)) is type(layer)


@pytest.mark.parametrize(
    "layer",
    [
        BatchNorm(0.9, 1e-4, dtype=POLICY),
        LeakyReLU(0.3, dtype=POLICY),
        Dropout(0.3, dtype=POLICY),
        ConcatOneHot(10),
        ClassLogit(dtype="float32"),
        CentreCrop(28, 20, dtype=POLICY),
        UpsampleNearest(dtype=POLICY),
        Clip(dtype="float32", name="images"),
        SpectralConv2D(8, 4, strides=2, dtype=POLICY),
        SpectralDense(3, dtype=POLICY),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_is_made_again_from_what_is_saved_of_it(layer: keras.layers.Layer) -> None:
    saved = json.loads(json.dumps(keras.layers.serialize(layer)))
    again = keras.layers.deserialize(saved)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    assert again.dtype_policy.name == layer.dtype_policy.name
    for name in ("momentum", "epsilon", "slope", "rate", "classes", "height", "strides", "units"):
        assert getattr(again, name, None) == getattr(layer, name, None)
