"""Grids of images, and image files: PNG for one image, GIF or WebP for animations.

Equal arrays give equal bytes: nothing written here carries a time or the name of a program.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from ganflow.base.files import write_bytes

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Pillow's names for 1 to 4 channels."""


def image_grid(images: np.ndarray, columns: int, scale: int = 1, gap: int = 2) -> np.ndarray:
    """Lay images out in rows, left to right and top to bottom.

    Args:
        images: uint8 (N, H, W, C), N at least 1.
        columns: images in a row; the places after the last image stay black, as the gaps are.
        scale: every pixel becomes a square of this many pixels.
        gap: pixels between two images and around the whole, after scaling.

    Returns:
        uint8 (rows·(H·scale + gap) + gap, columns·(W·scale + gap) + gap, C).

    Raises:
        ValueError: not uint8 NHWC, or no images.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise ValueError(f"expected uint8 images (N, H, W, C), got {images.dtype} {images.shape}")
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    size = height * scale + gap, width * scale + gap
    cells = np.zeros((rows * columns, *size, channels), np.uint8)
    cells[:count, gap:, gap:] = enlarge(images, scale)
    sheet = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    sheet = sheet.reshape(rows * cells.shape[1], columns * cells.shape[2], channels)
    return np.pad(sheet, ((0, gap), (0, gap), (0, 0)))


def enlarge(images: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel `scale` times along both sides of (..., H, W, C)."""
    return images.repeat(scale, axis=-3).repeat(scale, axis=-2)


def picture(array: np.ndarray) -> Image.Image:
    """A uint8 array (H, W, C), C from 1 to 4, or (H, W) as Pillow's image."""
    if array.ndim == 2:
        array = array[..., None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in MODES:
        raise ValueError(f"expected uint8 (H, W, 1 to 4), got {array.dtype} {array.shape}")
    plane = array[..., 0] if array.shape[2] == 1 else array
    return Image.fromarray(np.ascontiguousarray(plane))


def png(array: np.ndarray, quick: bool = False) -> bytes:
    """Encode uint8 (H, W, C) as PNG without metadata, small or `quick`."""
    stream = io.BytesIO()
    picture(array).save(stream, "PNG", optimize=not quick, compress_level=1 if quick else 9)
    return stream.getvalue()


def write_png(path: Path, array: np.ndarray) -> None:
    """Write uint8 (H, W, C) as PNG: whole or not at all, and without metadata."""
    write_bytes(path, png(array))


def animate(
    frames: Sequence[np.ndarray],
    kind: Literal["gif", "webp"] = "webp",
    milliseconds: int = 80,
    hold: int = 0,
    quality: int | None = None,
) -> bytes:
    """Encode frames as an animation that loops.

    Args:
        frames: uint8 (H, W, C), all of one shape, at least one.
        kind: "gif" (256 colours a frame) or "webp".
        milliseconds: how long each frame is shown; GIF counts in tens.
        hold: how much longer the last frame is shown.
        quality: of a WebP, 0 to 100; None is without loss, at ten times the bytes for photographs.

    Raises:
        ValueError: no frames, or frames of several shapes.
    """
    if not frames or len({frame.shape for frame in frames}) != 1:
        raise ValueError("an animation needs one frame or more, all of one shape")
    pictures = [picture(frame) for frame in frames]
    durations = [milliseconds] * (len(pictures) - 1) + [milliseconds + hold]
    options: dict[str, Any] = {"optimize": False}
    if kind == "gif":
        # Without a palette of its own, Pillow would give every colour frame the first one's.
        pictures = [p if p.mode == "L" else p.convert("RGB").quantize() for p in pictures]
    else:
        pictures = [p if p.mode in ("RGB", "RGBA") else p.convert("RGB") for p in pictures]
        options = {
            "lossless": quality is None,
            "quality": 80 if quality is None else quality,
            "method": 4,
        }
    first, *others = pictures
    stream = io.BytesIO()
    first.save(
        stream, kind, save_all=True, append_images=others, duration=durations, loop=0, **options
    )
    return stream.getvalue()


def read_picture(path: Path) -> np.ndarray:
    """Read a PNG that the pipeline wrote as uint8 (H, W, C), C 1 for grey and else 3 or 4."""
    with Image.open(path) as image:
        array = np.asarray(image, dtype=np.uint8)
    return array[..., None] if array.ndim == 2 else array
