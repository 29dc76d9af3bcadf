"""A generator on disk: the same bytes, the same images, and nothing damaged gets in."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow.base.errors import DataError
from ganflow.base.files import read_json, write_json
from ganflow.gan.networks.build import (
    build_discriminator,
    build_generator,
)
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import BATCH, load_generator, save_networks, to_pixels

SHAPE = (12, 10, 3)


def card_of(design: Design) -> dict[str, object]:
    return {
        "design": {
            "architecture": design.architecture,
            "shape": list(design.shape),
            "classes": design.classes,
            "latent": design.latent,
        }
    }


def save(folder: Path, classes: int = 3) -> keras.Model:
    keras.utils.set_random_seed(7)
    design = Design("lean", SHAPE, classes, 6)
    generator = build_generator(design)
    for weight in generator.trainable_weights:
        weight.assign(3.0 * weight)
    for weight in generator.non_trainable_weights:
        weight.assign(weight + 0.1)
    save_networks(folder, generator, build_discriminator(design), card_of(design))
    return generator


def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((count, 6), np.float32), rng.integers(3, size=count)


def test_equal_networks_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["card.json", "discriminator.safetensors", "generator.safetensors"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_it_makes_the_images_of_the_network_that_was_saved(tmp_path: Path) -> None:
    model = save(tmp_path)
    generator = load_generator(tmp_path)
    assert (generator.latent, generator.shape, generator.classes) == (6, SHAPE, 3)
    latents, labels = drawn(7)
    expected = to_pixels(model([tf.constant(latents), tf.constant(labels)])).numpy()
    found = generator.images(latents, labels)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 1  # a rounding apart at most
    assert found.std() > 1


def test_an_image_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    save(tmp_path)
    generator = load_generator(tmp_path)
    latents, labels = drawn(BATCH + 9)
    whole = generator.images(latents, labels)
    assert len(whole) == BATCH + 9
    for rows in (slice(3, 4), slice(BATCH - 2, BATCH + 3)):
        np.testing.assert_array_equal(whole[rows], generator.images(latents[rows], labels[rows]))


def test_without_classes_it_needs_no_labels(tmp_path: Path) -> None:
    save(tmp_path, classes=0)
    generator = load_generator(tmp_path)
    assert generator.images(drawn(3)[0]).shape == (3, *SHAPE)


def test_with_classes_it_asks_for_labels(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(ValueError, match="label"):
        load_generator(tmp_path).images(drawn(3)[0])


@pytest.mark.parametrize("harm", ["flipped", "cut", "another", "gone"])
def test_weights_that_are_not_the_cards_are_refused(tmp_path: Path, harm: str) -> None:
    save(tmp_path)
    path = tmp_path / "generator.safetensors"
    content = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    elif harm == "another":
        path.write_bytes((tmp_path / "discriminator.safetensors").read_bytes())
    else:
        content[-3] ^= 1
        path.write_bytes(content if harm == "flipped" else content[:-4])
    with pytest.raises(DataError, match=r"generator\.safetensors") as error:
        load_generator(tmp_path)
    assert error.value.run


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    save(tmp_path)
    card = read_json(tmp_path / "card.json")
    card["design"]["architecture"] = "transformer"
    write_json(tmp_path / "card.json", card)
    with pytest.raises(DataError, match="transformer"):
        load_generator(tmp_path)


def test_pixels_are_rounded_to_the_nearest_and_clipped() -> None:
    levels = np.arange(256)
    values = tf.constant(levels / 127.5 - 1.0, tf.float32)
    np.testing.assert_array_equal(to_pixels(values), levels)
    np.testing.assert_array_equal(to_pixels(values + 0.4 / 127.5), levels)
    assert to_pixels(tf.constant([-3.0, 3.0])).numpy().tolist() == [0, 255]
