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


def test_large_images_have_a_thinner_and_deeper_pair() -> None:
    """At each resolution the channels of the pair for 32 pixels, and one more level at 4 × 4."""
    design = Design("lean", (64, 64, 3), 0, 100, width=16, coarsest=4)
    shapes = [tuple(w.shape) for w in build_generator(design).weights if len(w.shape) == 4]
    assert [shape[3] for shape in shapes[:-1]] == [256, 128, 64, 32]
    assert [shape[2] for shape in shapes] == [128, 64, 32, 16, 16]
    discriminator = build_discriminator(design)
    shapes = [tuple(w.shape) for w in discriminator.weights if len(w.shape) == 4]
    assert [shape[3] for shape in shapes] == [32, 64, 128, 256, 256]


def test_a_card_of_an_earlier_version_describes_the_pair_of_its_time() -> None:
    card = {"architecture": "lean", "shape": (64, 64, 3), "classes": 0, "latent": 100}
    assert Design(**card) == Design("lean", (64, 64, 3), 0, 100, width=32, coarsest=8)  # type: ignore[arg-type]
