"""Layers that Keras lacks, or has in a form that does not fit these networks.

Keras finds the shape of their outputs by tracing them. It can save by itself how a layer was made,
but not where that includes a policy of precision; hence their `get_config`.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ganflow.gan import replicas


@keras.saving.register_keras_serializable("ganflow")
class BatchNorm(keras.layers.Layer):  # type: ignore[misc]
    """Batch normalisation over all axes but the last (Ioffe & Szegedy 2015).

    It calls TensorFlow's fused kernel, which is several times as fast on two cores in bfloat16 as
    Keras's layer. On several replicas the moments are those of the whole batch, which the kernel
    does not support.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, shape: tuple[int | None, ...]) -> None:
        channels = (shape[-1],)
        self.scale = self.add_weight(shape=channels, initializer="ones", name="scale")
        self.offset = self.add_weight(shape=channels, initializer="zeros", name="offset")
        self.mean = self.add_weight(
            shape=channels, initializer="zeros", trainable=False, name="mean", autocast=False
        )
        self.variance = self.add_weight(
            shape=channels, initializer="ones", trainable=False, name="variance", autocast=False
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        flat = len(inputs.shape) == 2
        images = inputs[:, None, None, :] if flat else inputs
        scale, offset = tf.cast(self.scale, tf.float32), tf.cast(self.offset, tf.float32)
        if training:
            normalised, mean, variance = self._normalised(images, scale, offset)
            self.mean.assign(mean + self.momentum * (self.mean - mean))
            self.variance.assign(variance + self.momentum * (self.variance - variance))
        else:
            normalised, _, _ = tf.compat.v1.nn.fused_batch_norm(
                images,
                scale,
                offset,
                tf.convert_to_tensor(self.mean),
                tf.convert_to_tensor(self.variance),
                epsilon=self.epsilon,
                is_training=False,
            )
        return normalised[:, 0, 0, :] if flat else normalised

    def _normalised(
        self, images: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalised images, and the moments of the whole batch; the variance is unbiased."""
        if replicas.count() == 1:
            return tf.compat.v1.nn.fused_batch_norm(  # type: ignore[no-any-return]
                images, scale, offset, epsilon=self.epsilon, is_training=True
            )
        mean, variance = replicas.moments(images)
        normalised = tf.nn.batch_normalization(
            tf.cast(images, tf.float32), mean, variance, offset, scale, self.epsilon
        )
        values = replicas.count() * math.prod(images.shape[:-1])
        return tf.cast(normalised, images.dtype), mean, variance * (values / (values - 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("ganflow")
class LeakyReLU(keras.layers.Layer):  # type: ignore[misc]
    """max(x, slope·x), whose gradient is taken from its result instead of its argument.

    Both have the same sign, so the gradient is the same. TensorFlow's gradient needs the argument,
    which grappler removes when it fuses convolution, bias and activation; it then gives up on the
    whole graph ("remapper failed").
    """

    def __init__(self, slope: float, **options: Any) -> None:
        super().__init__(**options)
        self.slope = slope

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def activate(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            y = tf.stop_gradient(tf.nn.leaky_relu(x, self.slope))

            def gradient(dy: tf.Tensor) -> tf.Tensor:
                return tf.raw_ops.LeakyReluGrad(gradients=dy, features=y, alpha=self.slope)

            return y, gradient

        return activate(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "slope": self.slope}


@keras.saving.register_keras_serializable("ganflow")
class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout (Srivastava et al. 2014) that drops the same values on any number of replicas.

    Sixteen random bits decide whether a value is kept, where Keras draws a float: about twice as
    fast, and the dropped share is `rate` to five digits. The batch size must be static.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs
        whole = (replicas.count() * inputs.shape[0], *inputs.shape[1:])
        kept = replicas.local_shard(tf.reshape(self._kept(math.prod(whole)), whole))
        return inputs * tf.cast(kept, inputs.dtype) * tf.cast(1 / (1 - self.rate), inputs.dtype)

    def _kept(self, count: int) -> tf.Tensor:
        pairs = tf.random.stateless_uniform(
            (-(-count // 2),), self.seed_generator.next(), None, None, tf.uint32
        )
        bits = tf.reshape(tf.bitcast(pairs, tf.uint16), (-1,))[:count]
        return bits < tf.constant(round((1 - self.rate) * 2**16), tf.uint16)


@keras.saving.register_keras_serializable("ganflow", name="WithLabel")  # as in older files
class ConcatOneHot(keras.layers.Layer):  # type: ignore[misc]
    """Latents (N, d) and class indices (N,) to (N, d + classes), with the label one-hot beside."""

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(**options)
        self.classes = classes

    def call(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return tf.concat([latents, tf.one_hot(labels, self.classes, dtype=latents.dtype)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable("ganflow", name="LogitOfLabel")  # as in older files
class ClassLogit(keras.layers.Layer):  # type: ignore[misc]
    """Logits (N, classes) and class indices (N,) to the logit (N, 1) of each class index."""

    def call(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        chosen = tf.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
        return tf.reduce_sum(logits * chosen, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("ganflow")
class CentreCrop(keras.layers.Layer):  # type: ignore[misc]
    """Images (N, H, W, C) to their middle (N, height, width, C)."""

    def __init__(self, height: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.height, self.width = height, width

    def call(self, images: tf.Tensor) -> tf.Tensor:
        top = (images.shape[1] - self.height) // 2
        left = (images.shape[2] - self.width) // 2
        return images[:, top : top + self.height, left : left + self.width, :]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("ganflow", name="Repeat")  # as in older files
class UpsampleNearest(keras.layers.Layer):  # type: ignore[misc]
    """Nearest upsampling of maps (N, H, W, C) to (N, 2H, 2W, C).

    It broadcasts, because the gradient of TensorFlow's resizing has no deterministic form on a
    GPU.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        _, height, width, channels = inputs.shape
        x = tf.broadcast_to(
            inputs[:, :, None, :, None, :], (tf.shape(inputs)[0], height, 2, width, 2, channels)
        )
        return tf.reshape(x, (-1, 2 * height, 2 * width, channels))

    def get_config(self) -> dict[str, Any]:
        return dict(super().get_config())


@keras.saving.register_keras_serializable("ganflow")
class Clip(keras.layers.Layer):  # type: ignore[misc]
    """Clips values to [−1, 1], but not during training, where it would stop gradients.

    A tanh in its place saturates in the first steps of a generator without normalisation, most of
    all if images are mostly background, and does not recover.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return inputs if training else tf.clip_by_value(inputs, -1.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return dict(super().get_config())
