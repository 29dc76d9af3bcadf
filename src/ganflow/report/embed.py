"""Pictures that live inside the page, as data: addresses."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganflow.report.grid import animate, image_grid, picture, png

CELL = 84
"""Pixels that a small image is enlarged to, about: sharp on fine screens and in print."""

HEAVY = 40_000
"""Bytes beyond which a colour picture is embedded with a little loss."""

HEAVIEST = 600_000
"""Bytes that an animation should not pass."""

QUALITIES: dict[int, tuple[int | None, ...]] = {1: (None, 80, 50), 3: (80, 50, 20)}
"""By channels: what an animation is tried with until it is light enough."""

WIDEST = 1200
"""Pixels: wider pictures are shrunk, for the page is narrower."""


@dataclass(frozen=True)
class Picture:
    """What an `img` element needs; `still` stands in where nothing should move."""

    src: str
    alt: str
    width: int
    height: int
    still: str = ""


def scale_for(side: int, cell: int = CELL) -> int:
    """The whole factor that brings images of `side` pixels nearest to `cell` without passing it."""
    return max(1, cell // side)


def show(array: np.ndarray, alt: str) -> Picture:
    """Embed one uint8 array (H, W, C)."""
    array = _narrowed(array)
    height, width = array.shape[:2]
    return Picture(_still(array), alt, width, height)


def show_grid(
    images: np.ndarray, columns: int, alt: str, cell: int = CELL, gap: int = 2
) -> Picture:
    """Embed uint8 images (N, H, W, C) as a grid, small ones enlarged."""
    return show(image_grid(images, columns, scale_for(images.shape[1], cell), gap), alt)


def show_moving(
    frames: Sequence[np.ndarray], alt: str, milliseconds: int = 80, hold: int = 0
) -> Picture:
    """Embed frames, each uint8 (H, W, C), as an animation, with its last frame as the still."""
    frames = [_narrowed(frame) for frame in frames]
    height, width = frames[0].shape[:2]
    for quality in QUALITIES.get(frames[0].shape[2], (80,)):
        content = animate(frames, "webp", milliseconds, hold, quality)
        if len(content) <= HEAVIEST:
            break
    moving = _data("image/webp", content)
    return Picture(moving, alt, width, height, _still(frames[-1]))


def _narrowed(array: np.ndarray) -> np.ndarray:
    """Shrunk by a whole factor until it is no wider than a page."""
    factor = -(-array.shape[1] // WIDEST)
    if factor == 1:
        return array
    shrunk = np.asarray(picture(array).reduce(factor))
    return shrunk[..., None] if shrunk.ndim == 2 else shrunk


def _still(array: np.ndarray) -> str:
    """PNG for grey images and small ones; WebP with a little loss where PNG would be heavy."""
    exact = png(array)
    if array.shape[2] == 3 and len(exact) > HEAVY:
        stream = io.BytesIO()
        picture(array).save(stream, "WEBP", quality=85, method=4)
        return _data("image/webp", stream.getvalue())
    return _data("image/png", exact)


def _data(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode()}"
