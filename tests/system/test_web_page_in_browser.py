"""The exported page in a real browser, with no network: TensorFlow's pixels, and every control."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganflow.export.formats import export
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import load_generator
from tests.export.models import saved
from tests.system.browser import DESK, PHONE, Watched, watched

pytestmark = pytest.mark.system

DESIGNS = {
    "grey": Design("lean", (28, 28, 1), 10, 20),
    "colour": Design("residual", (20, 32, 3), 0, 8, mapping=2),
    "article": Design("article", (12, 10, 3), 3, 6),
}
PICTURE = "document.querySelector('#picture').toDataURL()"


@pytest.fixture(scope="module", params=DESIGNS)
def page(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    model = saved(folder / "model", DESIGNS[request.param])
    return export(model, folder / f"{request.param}.html", "web").path


@pytest.fixture
def shown(browser: Any, page: Path) -> Iterator[Watched]:
    with watched(browser, page.as_uri()) as watch:
        watch.page.context.set_offline(True)
        watch.page.goto(page.as_uri())
        watch.page.wait_for_selector("#status:not(:empty)")
        yield watch
        assert watch.complaints == []
        assert watch.outside == []


def test_its_pixels_are_those_of_tensorflow(shown: Watched, page: Path) -> None:
    generator = load_generator(page.parent / "model")
    latents = np.random.default_rng(1).standard_normal((6, generator.latent), np.float32)
    labels = np.arange(6) % max(generator.classes, 1)
    ask = "([z, label]) => Array.from(ganflow.picture(Float32Array.from(z), label))"
    expected = generator.images(latents, labels)
    for latent, label, image in zip(latents.tolist(), labels.tolist(), expected, strict=True):
        found = np.array(shown.page.evaluate(ask, [latent, label])).reshape(image.shape)
        assert np.abs(found - image).max() <= 2


def test_every_control_changes_the_picture_by_keyboard(shown: Watched) -> None:
    seen = [shown.page.evaluate(PICTURE)]
    keys = [("#share", "End"), ("#truncation", "Home"), ("#new", "Enter")]
    if shown.page.locator("#class").count():
        keys.insert(0, ("#class", "ArrowDown"))
    for control, key in keys:
        shown.page.focus(control)
        if control == "#new":
            shown.page.evaluate("document.querySelector('#truncation').value = 1")
        shown.page.keyboard.press(key)
        seen.append(shown.page.evaluate(PICTURE))
    assert len(set(seen)) == len(seen)
    shown.page.fill("#seed", "0")
    shown.page.keyboard.press("Tab")
    assert "seed 0" in shown.page.get_attribute("#picture", "aria-label")


def test_a_seed_is_a_picture_and_one_of_the_others_is_picked(shown: Watched) -> None:
    first = shown.page.evaluate(PICTURE)
    shown.page.locator("#more button").nth(4).click()
    assert shown.page.input_value("#seed") == "5"
    assert shown.page.evaluate(PICTURE) != first
    shown.page.fill("#seed", "0")
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate(PICTURE) == first


def test_a_walk_moves_and_stops(shown: Watched) -> None:
    shown.page.click("#walk")
    for _ in range(200):
        if shown.page.input_value("#seed") == "1":
            break
        shown.page.wait_for_timeout(50)
    shown.page.click("#walk")
    assert int(shown.page.input_value("#seed")) >= 1
    assert shown.page.get_attribute("#walk", "aria-pressed") == "false"
    still = shown.page.evaluate(PICTURE)
    shown.page.wait_for_timeout(200)
    assert shown.page.evaluate(PICTURE) == still


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_has_no_serious_fault(
    browser: Any, page: Path, viewport: dict[str, int], scheme: str
) -> None:
    with watched(browser, page.as_uri(), viewport, scheme) as watch:
        watch.page.goto(page.as_uri())
        watch.page.wait_for_selector("#status:not(:empty)")
        watch.page.wait_for_timeout(500)
        assert watch.overflow() <= 0
        assert watch.serious_faults() == []
        watch.keep(f"web-{page.stem}-{viewport['width']}-{scheme}")
