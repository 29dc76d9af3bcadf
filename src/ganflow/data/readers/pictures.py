"""Decode one untrusted picture into a uint8 image of a given shape."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ganflow.data.inference import BRIGHT, DARK, Evidence, Range, Values
from ganflow.data.readers.limits import MAX_DECODED, MAX_JPEG, MAX_SCANS, MIN_SIDE
from ganflow.data.readers.signatures import FORMATS, START, other_format, picture_format
from ganflow.data.rejects import reason

if TYPE_CHECKING:  # worker processes import this module and need no pydantic
    from ganflow.config.data import Fit, Resample

# What decoding would cost is limited below, where the format and the size are known.
Image.MAX_IMAGE_PIXELS = None
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
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
BYTES = {"I": 4, "F": 4, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""For each pixel, in the modes where it is not one a channel."""

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
    range: Range = (0, 255)
    """The values that are black and white in pictures with 8 bits a channel."""

    deep_range: Range = (0, 65535)
    """The same in grey pictures with more bits."""

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


def decode(content: bytes, form: Form, evidence: Evidence | None = None) -> np.ndarray:
    """The first frame of the picture in `content`, upright: uint8 (height, width, channels).

    Args:
        evidence: to which what is seen of the picture is added.

    Raises:
        UnusableError: when it is damaged, not a picture, or far too large or too small.
    """
    evidence = Evidence() if evidence is None else evidence
    with _open(content) as picture:
        is_grey = picture.mode in GREY
        try:
            evidence.animated += bool(getattr(picture, "is_animated", False))
            if form.resample != "nearest":
                wanted = int(max(form.height, form.width) * GAPS.get(form.resample, GAP))
                picture.draft("L" if form.mode == "L" else None, (wanted, wanted))
            _check_cost(picture)
            picture.load()
        except UnusableError:
            raise
        except Exception as error:
            raise UnusableError("unreadable", reason(error)) from None
        image = to_form(picture, form, evidence, _orientation(picture))
        evidence.coloured += form.mode == "L" and not is_grey
        return image


def to_form(
    picture: Image.Image, form: Form, evidence: Evidence, orientation: int = 1
) -> np.ndarray:
    """Convert a decoded picture to the form's mode and size: uint8 (height, width, channels)."""
    evidence.pictures += 1
    opaque = _opaque(picture, form, evidence)
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


def as_bytes(values: np.ndarray, black_and_white: Range) -> np.ndarray:
    """Scale numbers to uint8, with rounding; those outside the range become black or white."""
    low, high = black_and_white
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    if values.dtype == np.uint16 and (low, high) == (0, 65535):
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scaled = (values.astype(np.float64) - low) * (255 / (high - low))
    return np.rint(scaled).clip(0, 255).astype(np.uint8)


def _open(content: bytes) -> Image.Image:
    if not content:
        raise UnusableError("empty", "it is empty")
    kind = picture_format(content[:START])
    if kind is None:
        other = other_format(content[:START])
        named = f"its format is {other}; " if other else ""
        raise UnusableError("no_picture", f"{named}it is not one of {', '.join(FORMATS)}")
    if kind == "HEIC" and not _reads_heic():
        raise UnusableError("no_picture", "it is HEIC, which needs pip install 'ganflow[heic]'")
    try:
        picture = Image.open(io.BytesIO(content), formats=["HEIF" if kind == "HEIC" else kind])
    except UnidentifiedImageError:
        raise UnusableError("unreadable", "its header is damaged") from None
    except Exception as error:
        raise UnusableError("unreadable", reason(error)) from None
    width, height = picture.size
    is_jpeg, size = picture.format == "JPEG", f"{width}×{height} pixels"
    costly = is_jpeg and width * height * len(content) > SCAN_WORK
    scans = content.count(b"\xff\xda") if costly else 0
    faults = (
        (is_jpeg and width * height > MAX_JPEG, "too_large", f"{size}, more than {MAX_JPEG}"),
        (
            min(width, height) < MIN_SIDE,
            *("too_small", f"{size}, fewer than {MIN_SIDE} along a side"),
        ),
        (scans > MAX_SCANS, "too_large", f"a JPEG of {scans} scans, more than {MAX_SCANS}"),
    )
    for is_so, fault, why in faults:
        if is_so:
            raise UnusableError(fault, why)
    return picture


@cache
def _reads_heic() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _check_cost(picture: Image.Image) -> None:
    """Refuse a picture that would take too much memory; a JPEG may already be shrunk by draft."""
    width, height = picture.size
    size = width * height * BYTES.get(picture.mode, len(picture.getbands()))
    if size > MAX_DECODED:
        raise UnusableError("too_large", f"{width}×{height} pixels, {size >> 20} MiB when decoded")


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is damaged."""
    if "exif" not in picture.info and picture.format != "TIFF":
        return 1
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _opaque(picture: Image.Image, form: Form, evidence: Evidence) -> Image.Image:
    """`picture` as L or RGB, with the background where it is transparent."""
    if picture.mode[0] in "IF":
        values = np.asarray(picture)
        if values.dtype.kind == "i" and 0 <= values.min() <= values.max() <= 65535:
            values = values.astype(np.uint16)
        evidence.deep.setdefault(str(values.dtype), Values()).add(values)
        return Image.fromarray(as_bytes(values, form.deep_range))
    opaque = picture
    if picture.mode not in ("L", "RGB") or "transparency" in picture.info:
        if picture.has_transparency_data:
            opaque = _on_background(picture, form, evidence)
        else:
            opaque = picture.convert("L" if picture.mode in GREY else "RGB")
    if form.range != (0, 255):
        scaled = as_bytes(np.arange(256, dtype=np.uint16), form.range).tolist()
        opaque = opaque.point(scaled * len(opaque.getbands()))
    return opaque


def _on_background(picture: Image.Image, form: Form, evidence: Evidence) -> Image.Image:
    layer = picture.convert("RGBA")
    small = np.asarray(layer.resize((32, 32), Image.Resampling.NEAREST).convert("LA"), np.float64)
    weights = small[..., 1]
    if 0 < weights.sum() < 255 * weights.size:
        level = (small[..., 0] * weights).sum() / weights.sum()
        evidence.transparent += 1
        evidence.dark += bool(level <= DARK)
        evidence.bright += bool(level >= BRIGHT)
    canvas = Image.new("RGBA", layer.size, (form.background,) * 3 + (255,))
    flat = Image.alpha_composite(canvas, layer).convert("RGB")
    return flat.convert("L") if picture.mode in GREY else flat


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
