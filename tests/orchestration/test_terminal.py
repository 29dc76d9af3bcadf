"""Each character shows the colours of two pixels."""

import io
import re

import numpy as np
import pytest

from ganflow.orchestration.terminal import blocks, shows_colours

CELL = re.compile(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀")


def pixels_of(text: str) -> np.ndarray:
    rows = [np.array(CELL.findall(line), int).reshape(-1, 2, 3) for line in text.splitlines()]
    return np.concatenate([row.swapaxes(0, 1) for row in rows])


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


def test_a_file_or_a_pipe_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert shows_colours(Screen())
    assert not shows_colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not shows_colours(Screen())
