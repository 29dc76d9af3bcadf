"""Spectral normalisation against the singular values of LAPACK."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow.gan.networks.spectral import SpectralConv2D, SpectralDense, largest_singular_value


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def test_power_iterations_find_the_largest_singular_value() -> None:
    matrix, direction = tf.constant(drawn(30, 12)), tf.constant(drawn(12))
    for _ in range(60):
        sigma, direction = largest_singular_value(matrix, direction)
    assert float(sigma) == pytest.approx(np.linalg.svd(matrix)[1][0], rel=1e-4)


def test_its_gradient_is_that_of_the_singular_value() -> None:
    """∂σ/∂W = u vᵀ (Miyato et al. 2018, eq. 12)."""
    matrix, direction = tf.constant(drawn(9, 5)), tf.constant(drawn(5))
    for _ in range(300):
        _, direction = largest_singular_value(matrix, direction)
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        sigma, _ = largest_singular_value(matrix, direction)
    left, _, right = np.linalg.svd(matrix)
    np.testing.assert_allclose(
        tape.gradient(sigma, matrix), np.outer(left[:, 0], right[0]), atol=1e-3
    )


def test_a_dense_layer_never_stretches_and_its_kernel_is_left_alone() -> None:
    layer = SpectralDense(7)
    x = tf.constant(drawn(20, 10))
    layer(x)
    layer.kernel.assign(5.0 * layer.kernel)
    kernel = layer.kernel.numpy()
    for _ in range(300):  # nearly equal singular values converge slowly
        found = layer(x, training=True)
    np.testing.assert_array_equal(layer.kernel, kernel)
    sigma = np.linalg.svd(kernel)[1][0]
    np.testing.assert_allclose(found, x @ (kernel / sigma), rtol=1e-3, atol=1e-4)


def test_only_training_moves_the_direction() -> None:
    layer = SpectralConv2D(4, 3)
    x = tf.constant(drawn(2, 8, 8, 3))
    layer(x)
    before = layer.direction.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.direction, before)
    layer(x, training=True)
    assert (layer.direction.numpy() != before).any()


@pytest.mark.parametrize("strides", [1, 2])
def test_a_convolution_is_that_of_its_normalised_kernel(strides: int) -> None:
    layer = SpectralConv2D(6, 4, strides=strides)
    x = tf.constant(drawn(2, 9, 8, 3))
    for _ in range(80):
        found = layer(x, training=True)
    kernel = layer.kernel.numpy()
    sigma = np.linalg.svd(kernel.reshape(-1, 6))[1][0]
    expected = tf.nn.conv2d(x, kernel / sigma, strides, "SAME")
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert layer(keras.Input(batch_shape=x.shape)).shape == tuple(found.shape)
