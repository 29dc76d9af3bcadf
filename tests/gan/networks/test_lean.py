"""The default networks: their layers and numbers of weights."""

from ganflow.gan.networks.build import build_discriminator, build_generator
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm

MNIST = (28, 28, 1)


def test_both_networks_on_labelled_mnist() -> None:
    design = Design("lean", MNIST, 10, 100)
    generator, discriminator = build_generator(design), build_discriminator(design)
    shapes = [tuple(w.shape) for w in generator.trainable_weights if len(w.shape) > 1]
    assert shapes == [(110, 6272), (4, 4, 64, 128), (4, 4, 32, 64), (3, 3, 32, 1)]
    products = 110 * 6272 + 16 * 128 * 64 + 16 * 64 * 32 + (9 * 32 + 1)
    assert generator.count_params() == products + 4 * (128 + 64 + 32)
    shapes = [tuple(w.shape) for w in discriminator.trainable_weights if len(w.shape) > 1]
    assert shapes == [(4, 4, 1, 64), (4, 4, 64, 128), (3, 3, 128, 128), (6272, 10)]
    assert not any(isinstance(layer, BatchNorm) for layer in discriminator.layers)
