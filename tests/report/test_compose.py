"""Sections of the page."""

from ganflow.report.compose import data_card


def test_nothing_on_the_data_card_is_left_blank() -> None:
    rows = dict(
        data_card({"source": "x", "shape": [4, 6, 3], "official_splits": [], "limit": None})
    )
    assert rows["Official splits"] == "none"
    assert rows["Shape"] == "4 × 6 × 3"
    assert all(rows.values())
