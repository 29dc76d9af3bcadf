"""Each character shows the colours of two pixels."""

import io
import re

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from ganflow.orchestration.terminal import blocks

CELL = re.compile(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m(▀+)")


def pixels_of(drawn: Text) -> np.ndarray:
    """What a terminal of 24-bit colours shows; neighbours of one colour are written as one."""
    written = io.StringIO()
    Console(file=written, force_terminal=True, color_system="truecolor", width=200).print(drawn)
    rows = []
    for line in written.getvalue().splitlines():
        cells = [cell for *cell, blocks in CELL.findall(line) for _ in blocks]
        rows.append(np.array(cells, int).reshape(-1, 2, 3).swapaxes(0, 1))
    return np.concatenate([row for row in rows if row.size])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height", [6, 7])
def test_every_pixel_is_drawn(height: int, channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, 9, channels), dtype=np.uint8)
    drawn = pixels_of(blocks(picture, 40))
    assert (drawn[:height] == picture).all()
    assert (drawn[height:] == 0).all()
    assert len(drawn) == height + height % 2


def test_a_wide_picture_is_averaged_to_the_width() -> None:
    picture = np.zeros((8, 40, 1), np.uint8)
    picture[:, ::2] = 200
    drawn = pixels_of(blocks(picture, 10))
    assert drawn.shape == (2, 10, 3)
    assert (drawn == 100).all()
