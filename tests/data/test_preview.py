"""Showing a source: what the store would hold, and nothing left behind."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from ganflow.config.data import DataParams
from ganflow.data.preview import show


def test_table_and_sheet_show_what_the_store_would_hold(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    values = np.arange(300) % 3
    images = (values * 100)[:, None, None] + np.arange(300)[:, None, None] // 30
    np.savez(
        tmp_path / "raw" / "set.npz",
        images=np.broadcast_to(images, (300, 8, 8)).astype(np.uint8),
        labels=np.array(["[red]no[/red]", "=one", "two"])[values],
    )
    text = io.StringIO()
    picture = tmp_path / "out" / "sheet.png"
    show(DataParams(source="set.npz"), tmp_path / "raw", picture, Console(file=text, width=100))
    shown = text.getvalue()
    assert "3: =one, [red]no[/red], two" in shown
    assert "8 × 8, grey" in shown
    sheet = np.asarray(Image.open(picture))
    assert sheet.shape == (64, 24)
    # Columns by class, in the classes' order: =one (100), [red]no[/red] (0), two (200).
    np.testing.assert_array_equal(sheet[4, [4, 12, 20]] // 100, [1, 0, 2])
    assert [path.name for path in picture.parent.iterdir()] == ["sheet.png"]
