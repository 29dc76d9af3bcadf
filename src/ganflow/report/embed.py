"""Pictures that live inside the page, as data: addresses."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ganflow.base.images import animate, image_grid, picture, png

CELL = 84
"""Pixels that a small image is enlarged to, about: sharp on fine screens and in print."""

WIDEST = 1400
"""Pixels: wider pictures are shrunk, for the page is narrower."""

WIDEST_MOVING = 800

LOSSES = (82, 60, 40)
"""WebP qualities of colour pictures, the first that is light enough; grey ones lose nothing."""

HEAVY = 400_000
"""Bytes that a picture should not pass; photographs hardly do, noise does."""

HEAVIEST = 280_000
"""Bytes that an animation should not pass."""

QUALITIES: dict[int, tuple[int | None, ...]] = {1: (None, 80, 50), 3: (75, 55, 35)}
"""By channels: what an animation is tried with until it is light enough."""


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
    array = _narrowed(array, WIDEST)
    height, width = array.shape[:2]
    return Picture(_still(array), alt, width, height)


def show_grid(
    images: np.ndarray, columns: int, alt: str, cell: int = CELL, gap: int = 2
) -> Picture:
    """Embed uint8 images (N, H, W, C) as a grid, small ones enlarged."""
    return show(image_grid(images, columns, scale_for(images.shape[1], cell), gap), alt)


def show_small(images: np.ndarray, columns: int, alt: str, cell: int = 56) -> Picture:
    """The same for pictures that the page shows small: images twice that size are shrunk too."""
    factor = max(1, images.shape[1] // cell)
    return show_grid(np.stack([_shrunk(image, factor) for image in images]), columns, alt, cell)


def show_moving(
    frames: Sequence[np.ndarray], alt: str, milliseconds: int = 80, hold: int = 0
) -> Picture:
    """Embed frames, each uint8 (H, W, C), as an animation, with its last frame as the still."""
    frames = [_narrowed(frame, WIDEST_MOVING) for frame in frames]
    height, width = frames[0].shape[:2]
    for factor, quality in product((1, 2), QUALITIES.get(frames[0].shape[2], (75,))):
        smaller = [_shrunk(frame, factor) for frame in frames]
        content = animate(smaller, "webp", milliseconds, hold, quality)
        if len(content) <= HEAVIEST:
            break
    moving = _data("image/webp", content)
    return Picture(moving, alt, width, height, _still(frames[-1]))


def _narrowed(array: np.ndarray, widest: int) -> np.ndarray:
    """Shrunk by a whole factor until it is no wider than `widest`."""
    return _shrunk(array, -(-array.shape[1] // widest))


def _shrunk(array: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return array
    shrunk = np.asarray(picture(array).reduce(factor))
    return shrunk[..., None] if shrunk.ndim == 2 else shrunk


def _still(array: np.ndarray) -> str:
    """PNG for grey pictures. Those in colour as WebP: of photographs a little is lost, for a
    quarter of the bytes; drawings are lighter, and kept, without loss."""
    if array.shape[2] == 1:
        return _data("image/png", png(array))
    for quality in LOSSES:
        lossy = animate([array], quality=quality)
        if len(lossy) <= HEAVY:
            break
    return _data("image/webp", min(lossy, animate([array]), key=len))


def _data(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode()}"
