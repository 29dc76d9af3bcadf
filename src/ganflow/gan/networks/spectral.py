"""Spectral normalisation (Miyato et al. 2018): kernels divided by their largest singular value.

The kernel itself is never touched. Keras's wrapper writes W/σ back into it at every call, also
while the generator learns, so that an optimizer's steps and a checkpoint's bytes depend on how
often the discriminator was asked.
"""

from typing import Any

import keras
import tensorflow as tf

SMALL = 1e-12


def largest_singular_value(matrix: tf.Tensor, direction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One power iteration: σ of a matrix (m, n), and the next right direction (n,).

    σ is differentiable in the matrix with the directions held fixed, as in the paper's
    eq. 12 and algorithm 1.
    """
    fixed = tf.stop_gradient(matrix)
    left = tf.math.l2_normalize(tf.linalg.matvec(fixed, direction), epsilon=SMALL)
    right = tf.math.l2_normalize(tf.linalg.matvec(fixed, left, transpose_a=True), epsilon=SMALL)
    return tf.tensordot(left, tf.linalg.matvec(matrix, right), 1), right


class _Spectral(keras.layers.Layer):  # type: ignore[misc]
    """A kernel, a bias, and the direction in which the kernel stretches most."""

    def _add(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=shape, name="kernel", autocast=False)
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias")
        self.direction = self.add_weight(
            shape=shape[-1:],
            initializer=keras.initializers.RandomNormal(),
            trainable=False,
            autocast=False,
            name="direction",
        )

    def _normalised(self, training: bool) -> tf.Tensor:
        """W/σ in the layer's own precision; training moves the direction on by one step."""
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
        sigma, direction = largest_singular_value(matrix, tf.convert_to_tensor(self.direction))
        if training:
            self.direction.assign(direction)
        return tf.cast(kernel / sigma, self.compute_dtype)


@keras.saving.register_keras_serializable("ganflow")
class SpectralConv2D(_Spectral):
    """`keras.layers.Conv2D` with padding "same" and a spectrally normalised kernel."""

    def __init__(
        self, filters: int, size: int, strides: int = 1, padding: str = "same", **options: Any
    ) -> None:
        super().__init__(**options)
        self.filters, self.size, self.strides = filters, size, strides

    def build(self, shape: tuple[int | None, ...]) -> None:
        self._add((self.size, self.size, int(shape[-1] or 0), self.filters))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        maps = tf.nn.conv2d(inputs, self._normalised(training), self.strides, "SAME")
        return tf.nn.bias_add(maps, tf.cast(self.bias, maps.dtype))

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "size": self.size, "strides": self.strides}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("ganflow")
class SpectralDense(_Spectral):
    """`keras.layers.Dense` with a spectrally normalised kernel."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, shape: tuple[int | None, ...]) -> None:
        self._add((int(shape[-1] or 0), self.units))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.matmul(inputs, self._normalised(training)) + tf.cast(self.bias, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
