"""Sections of the page."""

from pathlib import Path

import pytest

from ganflow.base.store import open_store
from ganflow.report.compose import _class_counts, _subtitle, data_card
from tests.report.pipeline import Shape, write_outputs


def test_nothing_on_the_data_card_is_left_blank() -> None:
    rows = dict(
        data_card({"source": "x", "shape": [4, 6, 3], "official_splits": [], "limit": None})
    )
    assert rows["Official splits"] == "none"
    assert rows["Shape"] == "4 × 6 × 3"
    assert all(rows.values())


@pytest.mark.parametrize(
    ("shape", "kind", "classes"),
    [
        (Shape(), "grey images, 12 × 12 in 4 classes", 4),
        (Shape(channels=3), "colour images, 12 × 12 in 4 classes", 4),
        (Shape(classes=0, conditional=False), "grey images, 12 × 12", 0),
    ],
)
def test_the_data_is_described(tmp_path: Path, shape: Shape, kind: str, classes: int) -> None:
    write_outputs(tmp_path, shape)
    store = open_store(tmp_path / "data/prepared")
    assert _subtitle(store) == f"blobs: 200 {kind}"
    counts = _class_counts(store)
    assert len(counts) == classes
    if classes:
        assert sum(int(number) for _, row in counts for number in row) == 200
