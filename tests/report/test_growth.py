"""How the generator grew: what is missing is left out, and what is there is drawn in order."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.images import write_png
from ganflow.report.growth import growth, moments, read_columns


def test_columns_are_numbers_and_anything_else_is_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("images,fd\n1,2.5\n2,\n3,none\n4\n")
    read = read_columns(path)
    np.testing.assert_array_equal(read["images"], [1, 2, 3, 4])
    np.testing.assert_array_equal(read["fd"], [2.5, np.nan, np.nan, np.nan])
    path.write_text("images,fd\n")
    assert read_columns(path) == {} == read_columns(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("header", "row", "charts"),
    [
        ("images,generator_loss,discriminator_loss", "{n},1,2", ["losses"]),
        ("images,real_logit,fake_logit", "{n},1,2", ["logits"]),
        ("images,penalty", "{n},0.{n}", ["penalty"]),
        ("images,penalty", "{n},0", []),
        ("images,learning_rate", "{n},0.1", []),
        ("images,learning_rate", "{n},0.{n}", ["learning-rate"]),
        ("generator_loss,discriminator_loss", "1,2", []),
        ("images,generator_loss", "{n},1", []),
    ],
)
def test_a_chart_is_drawn_where_all_its_columns_are(
    tmp_path: Path, header: str, row: str, charts: list[str]
) -> None:
    lines = [header, *(row.format(n=n) for n in range(1, 5))]
    (tmp_path / "history.csv").write_text("\n".join(lines))
    drawn = growth(tmp_path, None)["charts"]
    assert len(drawn) == len(charts)
    assert all(f'id="{name}-' in svg for name, svg in zip(charts, drawn, strict=True))


def test_the_quality_is_a_chart_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "quality.csv").write_text("images,fd\n1000,9.0\n20000,3.0\n")
    grown = growth(tmp_path, 1.5)
    assert grown["quality"] == [("1,000", "9"), ("20,000", "3")]
    assert "from 9 to 3. The baseline is 1.5." in grown["charts"][0]
    assert grown["moving"] is None


def test_of_many_moments_forty_are_shown_from_the_first_to_the_last(tmp_path: Path) -> None:
    for seen in range(100):
        write_png(tmp_path / f"progress/{seen:08d}.png", np.full((4, 4, 1), seen, np.uint8))
    frames, last = moments(tmp_path)
    levels = [int(frame[0, 0, 0]) for frame in frames]
    assert (len(levels), levels[0], levels[-1], last) == (40, 0, 99, 99)
    assert levels == sorted(levels)
