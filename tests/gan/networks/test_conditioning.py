"""Latents, labels and learned mappings in all architectures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow.gan.networks.build import ARCHITECTURES, build_discriminator, build_generator
from ganflow.gan.networks.design import Design

MNIST = (28, 28, 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_labels_condition_both_networks(architecture: str) -> None:
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


def test_a_mapping_has_its_own_weights_and_keeps_the_latent_size() -> None:
    plain = build_generator(Design("lean", (16, 16, 1), 3, 8))
    mapped = build_generator(Design("lean", (16, 16, 1), 3, 8, mapping=2))
    assert mapped.count_params() - plain.count_params() == 2 * (8 * 8 + 8)
    assert tuple(mapped.get_layer("mapped").output.shape) == (None, 8)
