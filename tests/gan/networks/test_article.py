"""The article's networks, layer by layer."""

import keras

from ganflow.gan.networks.build import build_discriminator, build_generator
from ganflow.gan.networks.design import Design

MNIST = (28, 28, 1)


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def test_generator_layer_by_layer() -> None:
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


def test_discriminator_layer_by_layer() -> None:
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
