"""Drawing a small image in a terminal with 24-bit colours, two pixels per character."""

import os
from typing import TextIO

import numpy as np
from PIL import Image

RESET = "\x1b[0m"


def shows_colours(stream: TextIO) -> bool:
    """Whether `stream` is a terminal with 24-bit colours."""
    declared = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
    return stream.isatty() and declared and "NO_COLOR" not in os.environ


def blocks(picture: np.ndarray, width: int) -> str:
    """Draw a uint8 image (H, W, 1 or 3), at most `width` characters wide.

    Each character is an upper half block: its foreground colour is the upper pixel, its background
    colour the lower one.
    """
    height, wide = picture.shape[:2]
    colours = np.broadcast_to(picture, (height, wide, 3)).astype(np.uint8)
    shown = Image.fromarray(np.ascontiguousarray(colours))
    if wide > width:
        shown = shown.resize((width, max(1, round(height * width / wide))), Image.Resampling.BOX)
    pixels = np.asarray(shown)
    pixels = np.pad(pixels, ((0, len(pixels) % 2), (0, 0), (0, 0)))
    lines = []
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        cells = (
            f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m▀"
            for a, b in zip(upper.tolist(), lower.tolist(), strict=True)
        )
        lines.append("".join(cells) + RESET)
    return "\n".join(lines)
