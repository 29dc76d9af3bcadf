"""The report in a real browser: whole, quiet, readable, and worked without a mouse."""

from pathlib import Path
from typing import Any

import pytest

from tests.report.pipeline import Shape, write_outputs
from tests.stages.test_report import write_report
from tests.system.browser import DESK, PHONE, watched

pytestmark = pytest.mark.system

SHAPES = {
    "labels": Shape(),
    "colour without labels": Shape(channels=3, classes=0, conditional=False),
    "many classes": Shape(classes=30),
}


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_outputs(folder, SHAPES[request.param])
    with pytest.MonkeyPatch.context() as patch:
        write_report(folder, SHAPES[request.param], patch)
    return folder / "data/report/index.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_it_opens_anywhere(
    browser: Any, report: Path, viewport: dict[str, int], scheme: str, request: Any
) -> None:
    with watched(browser, report.as_uri(), viewport, scheme) as watch:
        watch.page.goto(report.as_uri())
        empty = "[...document.images].filter(i => i.checkVisibility() && !i.naturalWidth).length"
        assert watch.page.evaluate(empty) == 0
        assert watch.complaints == []
        assert watch.outside == []
        assert watch.overflow() <= 0
        assert watch.serious_faults() == []
        name = "-".join(request.node.callspec.id.split())
        watch.keep(f"report-{name}")


def test_colours_follow_the_scheme(browser: Any, report: Path) -> None:
    shades = []
    for scheme in ("light", "dark"):
        with watched(browser, report.as_uri(), scheme=scheme) as watch:
            watch.page.goto(report.as_uri())
            shades.append(watch.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            line = "getComputedStyle(document.querySelector('.chart path[style*=first]')).stroke"
            shades.append(watch.page.evaluate(line))
    assert len(set(shades)) == 4


def test_the_keyboard_reaches_and_works_everything(browser: Any, report: Path) -> None:
    with watched(browser, report.as_uri()) as watch:
        page = watch.page
        page.goto(report.as_uri())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.wait_for_url("**#samples")
        page.focus("#growth input")
        assert page.is_visible("#growth .moves")
        page.keyboard.press("Space")
        assert page.is_visible("#growth .still")
        assert not page.is_visible("#growth .moves")
        page.focus("#growth summary")
        page.keyboard.press("Enter")
        assert page.is_visible("#growth details table")


def test_in_print_and_for_those_who_want_no_motion_nothing_moves(
    browser: Any, report: Path
) -> None:
    for media in ({"media": "print"}, {"reduced_motion": "reduce"}):
        with watched(browser, report.as_uri()) as watch:
            watch.page.emulate_media(**media)
            watch.page.goto(report.as_uri())
            assert watch.page.is_visible("#growth .still")
            assert not watch.page.is_visible("#growth .moves")


def test_it_prints_on_paper(browser: Any, report: Path) -> None:
    with watched(browser, report.as_uri()) as watch:
        watch.page.goto(report.as_uri())
        paper = watch.page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert 1 < paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") < 40
