"""Pictures inside the page: grey ones and drawings to the pixel, photographs nearly, none heavy."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from ganflow.report.embed import HEAVIEST, WIDEST, show, show_grid, show_moving, show_small

NUMBERS = np.random.default_rng(0)


def photographs(count: int, side: int) -> np.ndarray:
    """Smooth fields with some grain: uint8 (N, side, side, 3)."""
    rows, columns = np.mgrid[:side, :side] / side
    phase = NUMBERS.random((count, 1, 1, 3)) * 6
    waves = np.sin(4 * rows[..., None] + phase) + np.cos(5 * columns[..., None] - phase)
    return (128 + 50 * waves + NUMBERS.normal(0, 4, waves.shape)).clip(0, 255).astype(np.uint8)


def content(source: str) -> bytes:
    return base64.b64decode(source.partition(",")[2])


def pixels(source: str, mode: str) -> np.ndarray:
    with Image.open(io.BytesIO(content(source))) as image:
        return np.asarray(image.convert(mode), np.uint8)


def test_grey_pictures_are_exact() -> None:
    images = NUMBERS.integers(0, 256, (6, 28, 28, 1), np.uint8)
    shown = show_grid(images, 3, "six", gap=0)
    found = pixels(shown.src, "L")
    assert (shown.height, shown.width) == found.shape == (2 * 84, 3 * 84)
    assert (found[:84:3, :84:3] == images[0, ..., 0]).all()
    assert (found[2:84:3, 1:84:3] == images[0, ..., 0]).all(), "each pixel a square"


def test_drawings_in_colour_are_exact_and_photographs_nearly() -> None:
    drawing = NUMBERS.choice(np.array([0, 255], np.uint8), (28, 28, 3)).repeat(3, 0).repeat(3, 1)
    assert (pixels(show(drawing, "drawing").src, "RGB") == drawing).all()
    photograph = photographs(1, 128)[0]
    source = show(photograph, "photograph").src
    assert np.abs(pixels(source, "RGB").astype(int) - photograph).mean() < 6
    assert len(content(source)) < photograph.size / 8


@pytest.mark.parametrize(("side", "becomes"), [(28, 56), (32, 32), (64, 64), (128, 64)])
def test_small_places_get_small_pictures(side: int, becomes: int) -> None:
    shown = show_small(photographs(4, side), 4, "four")
    assert shown.width == 4 * (becomes + 2) + 2


@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_of_noise_is_kept_light(channels: int) -> None:
    """The first moments of a training look like this, and can hardly be compressed."""
    frames = list(NUMBERS.integers(0, 256, (6, 300, 400, channels), np.uint8))
    shown = show_moving(frames, "noise")
    assert len(content(shown.src)) <= HEAVIEST
    with Image.open(io.BytesIO(content(shown.src))) as moving:
        assert len(list(ImageSequence.Iterator(moving))) == 6
    assert (shown.height, shown.width) == (300, 400), "it takes the same place on the page"


def test_a_sheet_of_noise_is_kept_lighter_than_a_sheet_of_photographs_would_need() -> None:
    noise = NUMBERS.integers(0, 256, (36, 128, 128, 3), np.uint8)
    source = show_grid(noise, 6, "noise").src
    assert len(content(source)) < 0.25 * noise.size


def test_pictures_wider_than_the_page_are_shrunk() -> None:
    shown = show(np.zeros((10, 3 * WIDEST, 3), np.uint8), "wide")
    assert shown.width == WIDEST
    assert pixels(shown.src, "RGB").shape[1] == WIDEST


def test_equal_pictures_give_equal_texts() -> None:
    images = photographs(8, 32)
    assert show_grid(images, 4, "a") == show_grid(images.copy(), 4, "a")
    assert show_moving(list(images), "b") == show_moving(list(images.copy()), "b")
