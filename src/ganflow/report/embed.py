"""Pictures that live inside the page, as data: addresses."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganflow.report.grid import animate, image_grid, picture, png

CELL = 84
"""Pixels that a small image is enlarged to, about: sharp on fine screens and in print."""


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
    height, width = frames[0].shape[:2]
    moving = _data("image/webp", animate(frames, "webp", milliseconds, hold))
    return Picture(moving, alt, width, height, _still(frames[-1]))


def _still(array: np.ndarray) -> str:
    """PNG for grey images and small ones; nearly lossless WebP where PNG would be heavy."""
    exact = png(array)
    if array.shape[2] == 3 and len(exact) > 150_000:
        stream = io.BytesIO()
        picture(array).save(stream, "WEBP", quality=92, method=4)
        return _data("image/webp", stream.getvalue())
    return _data("image/png", exact)


def _data(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode()}"
