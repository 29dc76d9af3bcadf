"""The page /live in a real browser, while what it shows is written: no model is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.images import image_grid
from ganflow.live.run_folder import DONE, FAILED, RunFolder
from ganflow.report.sources import ImageGenerator
from tests.system.browser import Watched, watched
from tests.system.test_studio_in_browser import served

pytestmark = pytest.mark.system

WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 400, "height": 800}
TOTAL = 6400


def load(folder: Path) -> ImageGenerator:
    raise DataError("a file is not there", where=str(folder), run="dvc repro")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    yield from served(tmp_path, load)


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Watched]:
    with watched(browser, address, WIDE) as watch:
        watch.page.goto(address + "live")
        yield watch
        assert watch.complaints == []
        assert watch.outside == []


def started(root: Path) -> RunFolder:
    run = RunFolder(root / "live", "train")
    run.describe({"total": TOTAL, "resumed": 0, "baseline": 0.7})
    return run


def grown(run: RunFolder, blocks: range) -> None:
    """Blocks of 640 images that take 2 seconds each, and a snapshot after each second one."""
    for block in blocks:
        seen = 640 * (block + 1)
        row = {"images": seen, "generator_loss": 2.0 - 0.1 * block, "discriminator_loss": 0.5}
        row |= {"real_logit": 1.0, "fake_logit": -1.0, "learning_rate": 0.002, "penalty": 0.1}
        row |= {"images_per_second": 320.0, "memory": 1.5e9, "seconds": 2.0 * (block + 1)}
        run.add_row("history", row)
        if block % 2:
            images = np.random.default_rng(block).integers(256, size=(80, 8, 8, 1))
            run.add_picture(seen, image_grid(images.astype(np.uint8), 10))
            run.add_row("quality", {"images": seen, "fd": 5.0 / block})


def says(watch: Watched, selector: str, words: str) -> None:
    watch.page.wait_for_function(
        "([selector, words]) => document.querySelector(selector)?.textContent.includes(words)",
        arg=[selector, words],
    )


def source(watch: Watched) -> str:
    return str(watch.page.get_attribute("#panes img", "src"))


def test_a_training_is_watched_from_its_first_second(page: Watched, tmp_path: Path) -> None:
    says(page, "#summary", "No training has run here yet")
    run = started(tmp_path)
    says(page, "#summary", "train: running")
    grown(run, range(2))
    says(page, "#now", "1,280 of 6,400 images, 320 a second, 0:16 left")
    says(page, "#curves", "generator: 1.9")
    page.page.wait_for_selector("#panes img[src$='/1280.png']")
    grown(run, range(2, 6))
    page.page.wait_for_selector("#panes img[src$='/3840.png']")
    says(page, "#curves", "real images: 0.7")
    run.end(FAILED, "the discriminator's logits have exploded\n  run next: dvc checkout")
    says(page, "#now", "run next: dvc checkout")
    says(page, "#summary", "train: failed")


def test_the_slider_goes_through_time_by_keyboard(page: Watched, tmp_path: Path) -> None:
    run = started(tmp_path)
    grown(run, range(6))
    page.page.wait_for_selector("#panes img[src$='/3840.png']")
    page.page.focus("#moment")
    page.page.keyboard.press("ArrowLeft")
    page.page.wait_for_selector("#panes img[src$='/2560.png']")
    assert page.page.get_attribute("#moment", "aria-valuetext") == "2,560 images"
    says(page, "#curves", "generator: 1.7")
    page.page.keyboard.press("Home")
    page.page.wait_for_selector("#panes img[src$='/1280.png']")
    grown(run, range(6, 8))
    says(page, "#now", "5,120 of 6,400")
    assert source(page).endswith("/1280.png")  # whoever looks back is left there
    page.page.keyboard.press("End")
    page.page.wait_for_selector("#panes img[src$='/5120.png']")
    grown(run, range(8, 10))
    page.page.wait_for_selector("#panes img[src$='/6400.png']")
    assert page.page.evaluate("document.activeElement.id") == "moment"
    run.end(DONE)


def test_runs_stand_beside_each_other(page: Watched, tmp_path: Path) -> None:
    for blocks in (4, 10):
        run = started(tmp_path)
        grown(run, range(blocks))
        run.end(DONE)
    page.page.wait_for_selector("#runs tr:nth-child(2)")
    page.page.focus("#runs tr:nth-child(2) input")
    page.page.keyboard.press("Space")
    page.page.wait_for_selector("#panes figure:nth-child(2)")
    lines = page.page.locator("#curves figure:has-text('Losses') polyline")
    assert lines.count() == 4
    says(page, "#curves", "train 2 generator: 1.7")
    assert page.page.evaluate("document.activeElement.type") == "checkbox"  # it is still there


def test_a_studio_that_was_away_is_followed_again(browser: Any, tmp_path: Path) -> None:
    run = started(tmp_path)
    grown(run, range(2))
    stream = served(tmp_path, load)
    address = next(stream)
    with watched(browser, address, WIDE) as watch:
        watch.page.goto(address + "live")
        says(watch, "#now", "1,280 of 6,400")
        next(stream, None)  # which ends it
        watch.page.wait_for_selector("#message:visible")
        assert "does not answer" in watch.page.inner_text("#message")
    run.end(DONE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_is_accessible_at_every_size(
    browser: Any, address: str, tmp_path: Path, viewport: Any, scheme: str, request: Any
) -> None:
    finished, failed, run = started(tmp_path), started(tmp_path), started(tmp_path)
    grown(finished, range(10))
    finished.end(DONE)
    failed.end(FAILED, "the discriminator's logits have exploded " * 6)
    grown(run, range(6))
    with watched(browser, address, viewport, scheme) as watch:
        watch.page.goto(address + "live")
        watch.page.wait_for_selector("#runs tr:nth-child(3)")
        watch.page.check("#runs tr:nth-child(3) input")
        watch.page.wait_for_selector("#panes figure:nth-child(2) img[src$='.png']")
        watch.page.wait_for_timeout(300)
        assert watch.serious_faults() == []
        assert watch.overflow() <= 0
        watch.keep(f"live-{request.node.callspec.id}")
        assert watch.complaints == []
    run.end(DONE)
