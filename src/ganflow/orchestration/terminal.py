"""Drawing a small image in a terminal with 24-bit colours, two pixels per character."""

import numpy as np
from PIL import Image
from rich.text import Text


def blocks(picture: np.ndarray, width: int) -> Text:
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
    drawn = Text(no_wrap=True)
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for a, b in zip(upper, lower, strict=True):
            drawn.append("▀", f"rgb({a[0]},{a[1]},{a[2]}) on rgb({b[0]},{b[1]},{b[2]})")
        drawn.append("\n")
    return drawn
