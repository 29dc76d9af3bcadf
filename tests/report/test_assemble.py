"""The data in a line and in a table."""

from pathlib import Path

import pytest

from ganflow.base.store import open_store
from ganflow.report.assemble import class_counts, subtitle
from tests.report.pipeline import Shape, write_outputs


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
    assert subtitle(store) == f"blobs: 200 {kind}"
    counts = class_counts(store)
    assert len(counts) == classes
    if classes:
        assert sum(int(number) for _, row in counts for number in row) == 200
