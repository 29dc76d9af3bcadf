"""A mark survives what does not change a file, and shows what does."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganflow.base.images import animate, png
from ganflow.marks import MARKED, blank, marked_png, marked_zip, read_mark, sealed

CARD, FOLDER = "ab" * 32, "cd" * 16
MODEL = f"{CARD} {FOLDER}"


def changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_a_picture_keeps_its_pixels_and_other_programs_read_the_mark() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    marked = marked_png(png(pixels), MODEL)
    with Image.open(io.BytesIO(marked)) as image:
        image.verify()  # the check sums
    with Image.open(io.BytesIO(marked)) as image:
        assert np.array_equal(np.asarray(image), pixels)
        assert CARD in image.text["Source"]  # type: ignore[attr-defined]
    assert read_mark(marked) == (CARD, FOLDER, True)
    assert marked == marked_png(png(pixels), MODEL)


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_an_animation_keeps_its_frames(form: str) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    plain = animate(list(frames), form, 100)
    marked = MARKED[form](plain, MODEL)
    before, after = Image.open(io.BytesIO(plain)), Image.open(io.BytesIO(marked))
    assert before.n_frames == after.n_frames == 5  # type: ignore[attr-defined]
    for frame in range(5):
        before.seek(frame)
        after.seek(frame)
        assert np.array_equal(np.asarray(before.convert("RGB")), np.asarray(after.convert("RGB")))
    assert read_mark(marked) == (CARD, FOLDER, True)
    assert read_mark(changed(marked, 40)) == (CARD, FOLDER, False)


def test_an_archive_keeps_its_arrays() -> None:
    stream = io.BytesIO()
    np.savez(stream, images=np.ones(3))
    marked = marked_zip(stream.getvalue(), MODEL)
    assert np.load(io.BytesIO(marked))["images"].sum() == 3
    assert CARD.encode() in zipfile.ZipFile(io.BytesIO(marked)).comment
    assert read_mark(marked) == (CARD, FOLDER, True)


def test_every_other_byte_counts() -> None:
    content = sealed(b"before " + blank(MODEL).encode() + b"1234after")
    assert read_mark(content) == (CARD, FOLDER, True)
    for place in (0, 6, len(content) - 5, len(content) - 1):
        assert read_mark(changed(content, place)) == (CARD, FOLDER, False)


def test_a_file_without_one() -> None:
    assert read_mark(png(np.zeros((2, 2, 1), np.uint8))) is None
