"""Decode one untrusted picture into a uint8 image of a given shape."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ganflow.data.readers.limits import MAX_PIXELS, MAX_SCANS, MAX_SIDE, MIN_SIDE
from ganflow.data.rejects import reason

if TYPE_CHECKING:  # worker processes import this module and need no pydantic
    from ganflow.config.data import Fit, Resample

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
MAGICS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

SCAN_WORK = 10**11
"""Pixels × bytes below which a JPEG decodes quickly, however many scans it has."""

GAPS = {"box": 1.0, "bilinear": 1.0}
GAP = 2.0
"""How much larger than the target a JPEG must still be when libjpeg shrinks it while decoding
(to 1/2, 1/4 or 1/8, by averaging); the filter does the rest. The two fast filters need only the
target's size, the others twice that."""


@dataclass(frozen=True)
class Form:
    """The size and mode that every picture is converted to, and how."""

    height: int
    width: int
    mode: Literal["L", "RGB"]
    fit: Fit = "crop"
    resample: Resample = "bicubic"
    background: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, 3 if self.mode == "RGB" else 1


class UnusableError(Exception):
    """A picture that cannot be used: the kind of fault, as in rejected.csv, and the reason."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


def read_size(content: bytes) -> tuple[int, int, bool]:
    """Height and width when upright, and whether it is grey, from the picture's header alone.

    Raises:
        UnusableError: when it is not a picture, or far too large or too small.
    """
    with _open(content) as picture:
        width, height = picture.size
        # Pillow reports a TIFF's upright size, and rotates it when it loads.
        if picture.format != "TIFF" and _orientation(picture) in SIDEWAYS:
            width, height = height, width
        return height, width, picture.mode in GREY


def decode(content: bytes, form: Form) -> np.ndarray:
    """The first frame of the picture in `content`, upright: uint8 (height, width, channels).

    Raises:
        UnusableError: when it is damaged, not a picture, or far too large or too small.
    """
    with _open(content) as picture:
        try:
            if form.resample != "nearest":
                wanted = int(max(form.height, form.width) * GAPS.get(form.resample, GAP))
                picture.draft("L" if form.mode == "L" else None, (wanted, wanted))
            picture.load()
        except Exception as error:
            raise UnusableError("unreadable", reason(error)) from None
        return to_form(picture, form, _orientation(picture))


def to_form(picture: Image.Image, form: Form, orientation: int = 1) -> np.ndarray:
    """Convert a decoded picture to the form's mode and size: uint8 (height, width, channels)."""
    opaque = _opaque(picture, form)
    size = form.width, form.height
    if orientation in SIDEWAYS:
        size = form.height, form.width
    if opaque.size != size:
        opaque = _resize(opaque, form, size)
    if opaque.mode != form.mode:
        opaque = opaque.convert(form.mode)
    if orientation in UPRIGHT:
        opaque = opaque.transpose(UPRIGHT[orientation])
    return np.frombuffer(opaque.tobytes(), np.uint8).reshape(form.shape)


def _open(content: bytes) -> Image.Image:
    if not content:
        raise UnusableError("empty", "it is empty")
    if not content.startswith(MAGICS):
        raise UnusableError("no_picture", f"it is not one of {', '.join(FORMATS)}")
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnusableError("unreadable", "its header is damaged") from None
    except Image.DecompressionBombError:
        raise UnusableError("too_large", f"more than {MAX_PIXELS} pixels") from None
    except Exception as error:
        raise UnusableError("unreadable", reason(error)) from None
    width, height = picture.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnusableError("too_large", f"{width}×{height} pixels, more than {MAX_PIXELS}")
    if min(width, height) < MIN_SIDE:
        raise UnusableError(
            "too_small", f"{width}×{height} pixels, fewer than {MIN_SIDE} along a side"
        )
    if picture.format == "JPEG" and width * height * len(content) > SCAN_WORK:
        scans = content.count(b"\xff\xda")
        if scans > MAX_SCANS:
            raise UnusableError("too_large", f"a JPEG of {scans} scans, more than {MAX_SCANS}")
    return picture


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is damaged."""
    if "exif" not in picture.info and picture.format != "TIFF":
        return 1
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _opaque(picture: Image.Image, form: Form) -> Image.Image:
    """`picture` as L or RGB, with the background where it is transparent."""
    if picture.mode in ("L", "RGB") and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.int64)
        return Image.fromarray(((values.clip(0, 65535) + 128) // 257).astype(np.uint8))
    if picture.mode == "F":
        raise UnusableError("unreadable", "its pixels are floating-point numbers of unknown range")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        canvas = Image.new("RGBA", layer.size, (form.background,) * 3 + (255,))
        flat = Image.alpha_composite(canvas, layer).convert("RGB")
        return flat.convert("L") if picture.mode in GREY else flat
    return picture.convert("L" if picture.mode in GREY else "RGB")


def _resize(picture: Image.Image, form: Form, size: tuple[int, int]) -> Image.Image:
    """`picture` in exactly this width and height, cropped, padded or stretched."""
    (width, height), (wide, high) = picture.size, size
    chosen = FILTERS[form.resample]
    gap = None if form.resample == "nearest" else 2.0
    if form.fit == "stretch":
        return picture.resize(size, chosen, reducing_gap=gap)
    broad = width * high > height * wide
    if form.fit == "crop":
        across, down = (height * wide / high, height) if broad else (width, width * high / wide)
        left, top = (width - across) / 2, (height - down) / 2
        box = (left, top, left + across, top + down)
        return picture.resize(size, chosen, box=box, reducing_gap=gap)
    scale = wide / width if broad else high / height
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = Image.new(
        picture.mode, size, form.background if picture.mode == "L" else (form.background,) * 3
    )
    place = ((wide - inner[0]) // 2, (high - inner[1]) // 2)
    canvas.paste(picture.resize(inner, chosen, reducing_gap=gap), place)
    return canvas
