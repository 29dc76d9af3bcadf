"""Augmentations: what they do to images, and that a gradient passes through them."""

import numpy as np
import pytest
import tensorflow as tf

from ganflow.gan.augmentation import CHANGES, augment, color, cutout, translation

SHAPE = (6, 16, 24, 3)


def images(shape: tuple[int, ...] = SHAPE) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).uniform(-1, 1, shape), tf.float32)


def drawn(*rows: tuple[float, float, float]) -> tf.Tensor:
    return tf.constant(rows, tf.float32)


def test_the_middle_of_every_range_of_color_changes_nothing() -> None:
    x = images((1, 8, 8, 3))
    np.testing.assert_allclose(color(x, drawn((0.5, 0.5, 0.5))), x, atol=1e-6)


def test_color_against_its_formula() -> None:
    x = images((2, 5, 4, 3)).numpy()
    draws = [(0.9, 0.1, 0.7), (0.2, 0.8, 0.0)]
    found = color(tf.constant(x), drawn(*draws)).numpy()
    for image, result, (brightness, saturation, contrast) in zip(x, found, draws, strict=True):
        bright = image + brightness - 0.5
        grey = bright.mean(-1, keepdims=True)
        vivid = (bright - grey) * 2 * saturation + grey
        expected = (vivid - vivid.mean()) * (contrast + 0.5) + vivid.mean()
        np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("draw", "down", "right"), [((0.0, 0.5, 0), -2, 0), ((0.999, 0.0, 0), 2, -3)]
)
def test_translation_moves_and_fills_with_black(
    draw: tuple[float, float, float], down: int, right: int
) -> None:
    """An eighth of 16 is 2, of 24 is 3; an entry at i comes from i + shift."""
    x = images((1, 16, 24, 3)).numpy()
    found = translation(tf.constant(x), drawn(draw)).numpy()
    expected = np.full_like(x, -1.0)
    for i in range(16):
        for j in range(24):
            if 0 <= i + down < 16 and 0 <= j + right < 24:
                expected[0, i, j] = x[0, i + down, j + right]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cutout_is_a_black_rectangle_of_half_a_side() -> None:
    x = tf.ones((3, 16, 24, 1))
    found = cutout(x, drawn((0.5, 0.5, 0), (0.0, 0.0, 0), (0.999, 0.999, 0))).numpy()[..., 0]
    assert set(np.unique(found)) == {-1.0, 1.0}
    black = found < 0
    assert black[0].sum() == 8 * 12
    assert (black[1].sum(), black[2].sum()) == (4 * 6, 4 * 6)  # centres at the corners
    assert black[1, 0, 0]
    assert black[2, 15, 23]


def test_every_place_of_the_hole_is_as_likely() -> None:
    """Over many draws each pixel away from the border is cut equally often."""
    x = tf.ones((4000, 8, 8, 1))
    key = tf.constant([5, 6], tf.int64)
    share = (augment(x, ["cutout"], key).numpy() < 0).mean((0, 3))
    assert share[3:5, 3:5] == pytest.approx(16 / 81, abs=0.03)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shape", [(4, 8, 8, 1), (3, 9, 14, 3)])
def test_each_is_a_function_of_the_seed_and_lets_a_gradient_through(
    name: str, shape: tuple[int, ...]
) -> None:
    x = images(shape)
    results = []
    for seed in ([1, 2], [1, 2], [1, 3]):
        with tf.GradientTape() as tape:
            tape.watch(x)
            changed = augment(x, [name], tf.constant(seed, tf.int64))  # type: ignore[list-item]
        assert changed.shape == x.shape
        results.append(changed.numpy())
        slope = tape.gradient(changed, x).numpy()
        assert np.isfinite(slope).all()
        assert np.abs(slope).max() > 0
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_images_are_changed_each_in_its_own_way() -> None:
    x = tf.repeat(images((1, 16, 16, 1)), 8, axis=0)
    changed = augment(x, ["translation", "cutout"], tf.constant([0, 0], tf.int64)).numpy()
    assert len({image.tobytes() for image in changed}) > 4
