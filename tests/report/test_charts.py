"""Charts repeat byte by byte, carry the page's colours, and put points where the numbers are."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from ganflow.report.charts import COLOURS, Curve, chart, short, thin

SVG = "{http://www.w3.org/2000/svg}"


def draw(name: str = "quality", **options: object) -> str:
    x = np.array([0.0, 50_000, 100_000])
    curve = Curve("generator", x, np.array([9.0, 3.0, 1.0]))
    return str(chart(name, [curve], x_label="x", y_label="y", alt="a <curve>", **options))


def test_it_repeats_and_two_charts_share_no_id() -> None:
    assert draw() == draw()
    ids, others = (set(re.findall(r' id="([^"]+)"', draw(name))) for name in ("one", "two"))
    assert ids
    assert not ids & others


def test_it_is_well_formed_and_speaks() -> None:
    root = ElementTree.fromstring(draw(baseline=0.7))
    assert root.get("aria-label") == "a <curve>"
    assert root.get("role") == "img"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"generator", "baseline", "50 k"} <= set(texts)


def test_its_colours_are_the_pages() -> None:
    drawing = draw(baseline=0.7)
    assert "var(--first)" in drawing
    assert not set(re.findall(r"#[0-9a-f]{6}\b", drawing)) - {"#ffffff"}
    assert not any(stand_in in drawing for stand_in in COLOURS.values())


def test_points_fall_in_proportion_to_the_numbers() -> None:
    drawing = draw(dots=True)
    marks = re.findall(r'<use href="#[^"]+" x="([\d.]+)" y="([\d.]+)" style="fill', drawing)
    points = np.array(marks, float)[-3:]
    drop = np.diff(points[:, 1])
    assert drop[0] / drop[1] == pytest.approx(6 / 2, rel=1e-3)
    assert np.diff(np.diff(points[:, 0])) == pytest.approx([0], abs=1e-3)


def test_thinning_takes_the_means_of_equal_stretches() -> None:
    x = np.arange(1200.0)
    few_x, few_y = thin(x, 2 * x, most=100)
    assert few_x == pytest.approx(np.arange(100) * 12 + 5.5)
    assert few_y == pytest.approx(2 * few_x)
    assert len(thin(np.arange(1234.0), np.arange(1234.0), most=100)[0]) == 100
    assert thin(x, x, most=2000)[0] is x


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (900, "900"), (64_000, "64 k"), (1.5e6, "1.5 M"), (2e9, "2 G")]
)
def test_large_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
