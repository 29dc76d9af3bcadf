"""Grids put every pixel where it belongs; files read back as what was written."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from ganflow.base.images import animate, image_grid, png, read_picture, write_png


def random_images(count: int, height: int, width: int, channels: int) -> np.ndarray:
    return np.random.default_rng(count).integers(
        0, 256, (count, height, width, channels), dtype=np.uint8
    )


@given(
    count=st.integers(1, 13),
    columns=st.integers(1, 6),
    scale=st.integers(1, 3),
    gap=st.integers(0, 3),
    channels=st.sampled_from([1, 3]),
)
@settings(max_examples=60, deadline=None)
def test_every_image_is_found_at_its_place(
    count: int, columns: int, scale: int, gap: int, channels: int
) -> None:
    images = random_images(count, 4, 5, channels)
    grid = image_grid(images, columns, scale, gap)
    high, wide = 4 * scale + gap, 5 * scale + gap
    assert grid.shape == (-(-count // columns) * high + gap, columns * wide + gap, channels)
    for index, image in enumerate(images):
        top, left = gap + index // columns * high, gap + index % columns * wide
        cell = grid[top : top + 4 * scale, left : left + 5 * scale]
        assert (cell[::scale, ::scale] == image).all()
        assert (cell[scale - 1 :: scale, scale - 1 :: scale] == image).all()
    covered = count * 4 * 5 * scale**2 * channels
    assert (grid == 0).sum() >= grid.size - covered


@pytest.mark.parametrize(
    "images",
    [np.zeros((0, 4, 4, 1), np.uint8), np.zeros((4, 4, 1), np.uint8), np.zeros((2, 4, 4, 1))],
    ids=["none", "no axis of images", "floats"],
)
def test_what_is_no_stack_of_images_is_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 images"):
        image_grid(images, 2)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_reads_back_and_has_no_metadata(tmp_path, channels: int) -> None:
    array = random_images(1, 9, 7, channels)[0]
    write_png(tmp_path / "a.png", array)
    write_png(tmp_path / "b.png", array)
    content = (tmp_path / "a.png").read_bytes()
    assert content == (tmp_path / "b.png").read_bytes() == png(array)
    chunks = {content[i : i + 4] for i in _chunk_names(content)}
    assert chunks == {b"IHDR", b"IDAT", b"IEND"}
    assert (read_picture(tmp_path / "a.png") == array).all()


def _chunk_names(content: bytes) -> list[int]:
    places, place = [], 8
    while place < len(content):
        places.append(place + 4)
        place += 12 + int.from_bytes(content[place : place + 4], "big")
    return places


@pytest.mark.parametrize("channels", [1, 3])
def test_a_lossless_animation_reads_back_frame_by_frame(channels: int) -> None:
    frames = list(random_images(5, 12, 10, channels))
    content = animate(frames, "webp", milliseconds=50, hold=400)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["loop"] == 0
        shown = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    assert len(shown) == 5
    for frame, expected in zip(shown, frames, strict=True):
        assert (frame == np.broadcast_to(expected, (12, 10, 3))).all()


def test_a_grey_gif_reads_back_frame_by_frame() -> None:
    frames = list(random_images(4, 12, 10, 1))
    content = animate(frames, "gif", milliseconds=100, hold=500)
    with Image.open(io.BytesIO(content)) as image:
        durations = []
        for frame, expected in zip(ImageSequence.Iterator(image), frames, strict=True):
            assert (np.asarray(frame.convert("L")) == expected[..., 0]).all()
            durations.append(frame.info["duration"])
    assert durations == [100, 100, 100, 600]


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_animations_repeat_byte_by_byte(kind: str) -> None:
    frames = list(random_images(3, 16, 16, 3))
    assert animate(frames, kind) == animate(frames, kind)


def test_a_colour_gif_gives_each_frame_its_own_palette() -> None:
    red, blue = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    with Image.open(io.BytesIO(animate([red, blue], "gif"))) as image:
        shown = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    assert (shown[0] == red).all()
    assert (shown[1] == blue).all()


def test_a_lossy_animation_is_lighter_and_near() -> None:
    ramp = np.linspace(0, 255, 64)
    shades = ramp[:, None, None] * 0.5 + ramp[None, :, None] * np.array([0.5, 0.3, 0.1])
    noisy = shades + np.random.default_rng(0).normal(0, 4, (64, 64, 3))
    frames = [np.clip(noisy * share, 0, 255).astype(np.uint8) for share in (1, 0.9, 0.8)]
    light = animate(frames, "webp", quality=80)
    assert len(light) < len(animate(frames, "webp")) / 4
    with Image.open(io.BytesIO(light)) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert 0 < np.abs(shown - frames[0]).mean() < 6


@pytest.mark.parametrize("frames", [[], [(4, 4, 1), (4, 5, 1)]])
def test_what_cannot_be_animated_is_refused(frames: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="animation needs"):
        animate([np.zeros(shape, np.uint8) for shape in frames])
