"""The first bytes of a file name its format; nothing else does."""

import io

import numpy as np
import pytest
from PIL import Image

from ganflow.data.readers.signatures import (
    FORMATS,
    OTHERS,
    START,
    other_format,
    picture_format,
)


@pytest.mark.parametrize("name", FORMATS)
def test_what_pillow_writes_is_recognised_and_pillow_can_read_it(name: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, name)
    assert picture_format(stream.getvalue()[:START]) == name
    assert name in Image.ID


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"\0\0\0\x18ftypqt  ", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"P5 8 8 255", "PPM"),
        (b"P50", None),
        (b"P7\n", None),
        (b"", None),
    ],
)
def test_containers_are_told_apart_by_their_brand(start: bytes, name: str | None) -> None:
    assert picture_format(start) == name


@pytest.mark.parametrize("start", OTHERS, ids=OTHERS.values())
def test_no_format_is_both_read_and_not_read(start: bytes) -> None:
    assert other_format(start) == OTHERS[start]
    assert picture_format(start) is None


def test_a_film_is_named_by_its_brand() -> None:
    assert other_format(b"\0\0\0\x18ftypqt  ") == "ISO media (qt)"
    assert other_format(b"nothing known") is None
