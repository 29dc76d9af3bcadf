"""Pictures: every format and mode becomes what it shows, and a bad one is named, never fatal."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ganflow.data.readers.pictures import FILTERS, Form, UnusableError, decode, read_size

RNG = np.random.default_rng(0)
PHOTO = np.asarray(
    Image.fromarray(RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)).resize(
        (96, 64), Image.Resampling.BICUBIC
    )
)
SQUARE = Image.fromarray(PHOTO[:, 16:80])


def encoded(picture: Image.Image, layout: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, layout, **options)
    return stream.getvalue()


@pytest.mark.parametrize("layout", ["PNG", "WEBP", "BMP", "TIFF"])
def test_lossless_formats_keep_every_pixel(layout: str) -> None:
    content = encoded(SQUARE, layout, **({"lossless": True} if layout == "WEBP" else {}))
    np.testing.assert_array_equal(decode(content, Form(64, 64, "RGB")), np.asarray(SQUARE))


def test_jpeg_stays_close() -> None:
    image = decode(encoded(SQUARE, "JPEG", quality=95), Form(64, 64, "RGB"))
    assert np.abs(image.astype(int) - np.asarray(SQUARE)).mean() < 4


@pytest.mark.parametrize("layout", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(layout: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if layout == "WEBP" else {}
    content = encoded(frames[0], layout, save_all=True, append_images=frames[1:], **options)
    image = decode(content, Form(16, 16, "RGB"))
    np.testing.assert_array_equal(image, np.broadcast_to([255, 0, 0], (16, 16, 3)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("layout", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_undone(orientation: int, layout: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(PHOTO), layout, exif=exif)
    with Image.open(io.BytesIO(content)) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    for height, width in ((32, 32), (24, 40), (40, 24)):
        expected = ImageOps.fit(upright, (width, height), Image.Resampling.LANCZOS)
        image = decode(content, Form(height, width, "RGB", resample="lanczos"))
        assert np.abs(image.astype(int) - np.asarray(expected)).mean() < 3
    assert read_size(content)[:2] == upright.size[::-1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_every_mode_shows_the_same_grey(mode: str) -> None:
    picture = Image.new("L", (8, 8), 255)
    if mode == "I;16":
        picture = Image.fromarray(np.full((8, 8), 65535, np.uint16))
    elif mode not in ("L", "YCbCr"):
        picture = picture.convert(mode)
    layout = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    for target in ("L", "RGB"):
        assert decode(encoded(picture, layout), Form(8, 8, target)).min() >= 253  # type: ignore[arg-type]


def test_transparency_shows_the_background() -> None:
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image = decode(encoded(picture, "PNG"), Form(8, 8, "RGB", background=77))
    assert (image == 77).all()


def test_crop_pad_and_stretch() -> None:
    wide = np.zeros((8, 16), np.uint8)
    wide[:, :4], wide[:, 12:] = 200, 100
    content = encoded(Image.fromarray(wide), "PNG")
    form = Form(8, 8, "L", resample="box")
    np.testing.assert_array_equal(decode(content, form)[..., 0], wide[:, 4:12])
    padded = decode(content, Form(8, 8, "L", "pad", "box", background=9))[..., 0]
    assert (padded[:2] == 9).all()
    assert (padded[6:] == 9).all()
    np.testing.assert_array_equal(padded[3], [200, 200, 0, 0, 0, 0, 100, 100])
    stretched = decode(content, Form(8, 8, "L", "stretch", "box"))[..., 0]
    np.testing.assert_array_equal(stretched[0], [200, 200, 0, 0, 0, 0, 100, 100])


def test_crop_pad_and_stretch_to_an_oblong() -> None:
    tall = np.zeros((16, 8), np.uint8)
    tall[:4], tall[12:] = 200, 100
    content = encoded(Image.fromarray(tall), "PNG")
    cropped = decode(content, Form(8, 16, "L", resample="box"))[..., 0]
    np.testing.assert_array_equal(cropped, np.zeros((8, 16)), "a quarter of it, twice as large")
    padded = decode(content, Form(8, 16, "L", "pad", "box", background=9))[..., 0]
    assert (padded[:, :6] == 9).all()
    assert (padded[:, 10:] == 9).all()
    np.testing.assert_array_equal(padded[:, 7], [200, 200, 0, 0, 0, 0, 100, 100])
    stretched = decode(content, Form(8, 16, "L", "stretch", "box"))[..., 0]
    np.testing.assert_array_equal(stretched[:, 15], [200, 200, 0, 0, 0, 0, 100, 100])


@pytest.mark.parametrize("resample", [name for name in FILTERS if name != "nearest"])
@pytest.mark.parametrize("layout", ["PNG", "JPEG"])
def test_shrinking_is_antialiased(resample: str, layout: str) -> None:
    """A checkerboard finer than the target's pixels becomes its mean, not a pattern of its own."""
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    content = encoded(Image.fromarray(board.astype(np.uint8)), layout)
    image = decode(content, Form(48, 48, "L", resample=resample))[4:-4, 4:-4]  # type: ignore[arg-type]
    assert np.abs(image.astype(int) - 127.5).max() < 16


@pytest.mark.parametrize("resample", ["box", "bilinear", "bicubic", "lanczos"])
def test_a_shrunk_jpeg_is_as_if_decoded_in_full(resample: str) -> None:
    photo = Image.fromarray(PHOTO[:, 16:80]).resize((512, 512), Image.Resampling.BICUBIC)
    content = encoded(photo, "JPEG", quality=90)
    with Image.open(io.BytesIO(content)) as picture:
        full = picture.resize((64, 64), FILTERS[resample])
    image = decode(content, Form(64, 64, "RGB", resample=resample))  # type: ignore[arg-type]
    assert np.abs(image.astype(int) - np.asarray(full)).mean() < 1


def test_look_reads_size_and_greyness() -> None:
    assert read_size(encoded(Image.fromarray(PHOTO), "PNG")) == (64, 96, False)
    assert read_size(encoded(SQUARE.convert("L"), "JPEG")) == (64, 64, True)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", head), *chunks, (b"IEND", b"")):
        content += struct.pack(">I", len(body)) + name + body
        content += struct.pack(">I", zlib.crc32(name + body))
    return content


GOOD = encoded(SQUARE, "JPEG")
SCANS = encoded(Image.new("L", (4096, 4096)), "JPEG", progressive=True)
WORST = {
    "empty": (b"", "empty"),
    "text": (b"hello, world", "no_picture"),
    "a script": (b"<svg onload=alert(1)>", "no_picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0", "no_picture"),
    "cut in the header": (GOOD[:20], "unreadable"),
    "cut in half": (GOOD[: len(GOOD) // 2], "unreadable"),
    "four billion pixels": (png(65_000, 65_000, (b"IDAT", zlib.compress(b""))), "too_large"),
    "one long line": (png(1_000_000, 4, (b"IDAT", zlib.compress(b""))), "unreadable"),
    "two billion by two billion": (png(2**31 - 1, 2**31 - 1), "too_large"),
    "without pixels": (png(0, 0), ("unreadable", "too_small")),
    "one pixel": (png(1, 1, (b"IDAT", zlib.compress(bytes(4)))), "too_small"),
    "of too little data": (png(64, 64, (b"IDAT", zlib.compress(bytes(9)))), "unreadable"),
    "a text bomb": (
        png(8, 8, (b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))), (b"IDAT", b"")),
        "unreadable",
    ),
    "a thousand scans": (SCANS[:-2] + SCANS[SCANS.rindex(b"\xff\xda") : -2] * 1000, "too_large"),
    "a RIFF that is no picture": (b"RIFF" + bytes(100), "no_picture"),
    "a TIFF that points at itself": (b"II*\0\x08\0\0\0" + b"\1\0" + bytes(12) + b"\x08\0\0\0", ""),
}


@pytest.mark.parametrize(("content", "kind"), WORST.values(), ids=WORST.keys())
def test_the_worst_pictures_are_refused(content: bytes, kind: str | tuple[str, ...]) -> None:
    with pytest.raises(UnusableError) as caught:
        decode(content, Form(16, 16, "RGB"))
    assert not kind or caught.value.kind in kind
    assert "0x" not in caught.value.reason


SEEDS = [encoded(SQUARE, layout) for layout in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_damage_is_noticed_or_harmless(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, min(len(content) - 1, 600)))
        content[place] = data.draw(st.integers(0, 255))
    kept = bytes(content[: data.draw(st.integers(1, len(content)))])
    with contextlib.suppress(UnusableError):
        assert decode(kept, Form(16, 16, "RGB")).shape == (16, 16, 3)
