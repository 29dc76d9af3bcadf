"""The studio in a real browser: every control, by mouse and by keyboard, changes the picture."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ganflow.base.errors import DataError
from ganflow.report.sources import ImageGenerator
from ganflow.studio.app import create_app
from ganflow.studio.guard import LOOPBACK, Guard
from tests.report.pipeline import FakeGenerator, Shape, write_outputs
from tests.system.browser import DESK, PHONE, Watched, watched

pytestmark = pytest.mark.system

VIEW = "#panes img"
SHAPE = Shape(classes=4)


def served(root: Path, load: Any) -> Iterator[str]:
    """The studio on a free port, in a thread."""
    folders = {"current": root / "data/model", "older": root / "data/older"}
    studio = create_app(
        folders, load, root / "data/prepared", root / "live", lambda: server.should_exit
    )
    app = Guard(studio, LOOPBACK)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{place.getsockname()[1]}/"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield address
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("project")
    write_outputs(root, SHAPE)
    yield from served(root, lambda folder: FakeGenerator(SHAPE))


@pytest.fixture
def studio(browser: Any, address: str) -> Iterator[Watched]:
    with watched(browser, address) as watch:
        watch.page.goto(address)
        settled(watch)
        yield watch
        assert watch.complaints == []
        assert watch.outside == []


def settled(watch: Watched) -> None:
    """Wait until nothing is under way."""
    watch.page.wait_for_selector("main[aria-busy=false]")


def test_the_first_picture_comes_without_asking(studio: Watched) -> None:
    assert studio.page.eval_on_selector(VIEW, "i => i.naturalWidth / i.naturalHeight") == 4
    assert "4 classes" in studio.page.inner_text("#summary")
    assert studio.page.locator("#samples button").count() == 30


@pytest.mark.parametrize("control", ["across", "down", "truncation", "direction-0", "direction-2"])
def test_a_slider_moves_by_keyboard_and_the_picture_with_it(studio: Watched, control: str) -> None:
    before = studio.picture(VIEW)
    studio.page.focus(f"#{control}")
    for _ in range(20):
        studio.page.keyboard.press("ArrowLeft" if control == "truncation" else "ArrowRight")
    settled(studio)
    moved = studio.picture(VIEW)
    assert moved != before
    back = "ArrowRight" if control == "truncation" else "ArrowLeft"
    for _ in range(20):
        studio.page.keyboard.press(back)
    settled(studio)
    assert studio.picture(VIEW) == before


def test_the_picture_follows_the_pointer_over_the_plane(studio: Watched) -> None:
    pad = studio.page.locator("#pad").bounding_box()
    seen = {studio.picture(VIEW)}
    studio.page.mouse.move(pad["x"] + 5, pad["y"] + 5)
    studio.page.mouse.down()
    for step in (0.3, 0.6, 0.95):
        studio.page.mouse.move(pad["x"] + step * pad["width"], pad["y"] + step * pad["height"])
        settled(studio)
        seen.add(studio.picture(VIEW))
    studio.page.mouse.up()
    assert len(seen) == 4
    assert float(studio.page.input_value("#across")) == pytest.approx(0.95, abs=0.02)
    studio.page.mouse.move(pad["x"] + 5, pad["y"] + 5)
    settled(studio)
    assert studio.picture(VIEW) in seen


def test_classes_are_picked_and_one_always_stays(studio: Watched) -> None:
    boxes = studio.page.locator("#classes input")
    boxes.nth(2).uncheck()
    settled(studio)
    assert studio.page.eval_on_selector(VIEW, "i => i.naturalWidth / i.naturalHeight") == 3
    studio.page.click("#one-class")
    settled(studio)
    assert studio.page.eval_on_selector(VIEW, "i => i.naturalWidth / i.naturalHeight") == 1
    boxes.nth(0).focus()
    studio.page.keyboard.press("Space")
    assert boxes.nth(0).is_checked()
    studio.page.click("#all-classes")
    settled(studio)
    assert studio.page.eval_on_selector(VIEW, "i => i.naturalWidth / i.naturalHeight") == 4


def test_a_sample_becomes_the_chosen_corner(studio: Watched) -> None:
    studio.page.fill("#seed", "77")
    studio.page.keyboard.press("Enter")
    studio.page.click("#corner-3")
    assert studio.page.get_attribute("#corner-3", "aria-pressed") == "true"
    before, corner = studio.picture(VIEW), studio.picture("#corner-image-3")
    studio.page.locator("#samples button").nth(9).focus()
    studio.page.keyboard.press("Enter")
    settled(studio)
    assert studio.picture("#corner-image-3") != corner
    assert studio.picture(VIEW) != before
    assert studio.page.input_value("#across") == studio.page.input_value("#down") == "1"


def test_a_wrong_seed_is_not_sent(studio: Watched) -> None:
    sent: list[str] = []
    studio.page.on("request", lambda request: sent.append(request.url))
    studio.page.fill("#seed", "-5")
    studio.page.keyboard.press("Tab")
    settled(studio)
    assert sent == []


@pytest.mark.parametrize(
    ("kind", "magic"), [("webp", b"RIFF"), ("gif", b"GIF89a"), ("png", b"\x89PNG")]
)
def test_an_interpolation_is_grown_and_saved(studio: Watched, kind: str, magic: bytes) -> None:
    studio.page.click("#walk-start")
    studio.page.focus("#across")
    studio.page.keyboard.press("End")
    studio.page.click("#walk-end")
    assert "the point you set to the point you set" in studio.page.inner_text("#walk-note")
    studio.page.fill("#steps", "6")
    studio.page.select_option("#format", kind)
    studio.page.click("#make-walk")
    with studio.page.expect_download() as download:
        studio.page.click("#save-walk")
    assert download.value.suggested_filename == f"walk.{kind}"
    assert Path(download.value.path()).read_bytes().startswith(magic)
    assert studio.page.eval_on_selector("#walk", "i => i.naturalWidth") > 0


def test_nearest_training_images_are_shown(studio: Watched) -> None:
    studio.page.click("#find-neighbours")
    studio.page.wait_for_selector("#neighbours li")
    distances = studio.page.locator("#neighbours li").all_inner_texts()
    numbers = [float(text.removeprefix("distance ")) for text in distances]
    assert numbers == sorted(numbers)
    assert len(numbers) == 6


def test_two_models_stand_side_by_side(studio: Watched) -> None:
    studio.page.select_option("#other", "older")
    settled(studio)
    assert studio.page.locator(VIEW).count() == 2
    assert studio.page.locator("#panes figcaption").all_inner_texts() == ["current", "older"]
    studio.page.select_option("#other", "")
    assert studio.page.locator(VIEW).count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["", "api"])
def test_it_is_accessible_at_every_size(
    browser: Any, address: str, viewport: dict[str, int], scheme: str, path: str, request: Any
) -> None:
    with watched(browser, address, viewport, scheme) as watch:
        watch.page.goto(address + path)
        watch.page.wait_for_load_state("networkidle")
        assert watch.serious_faults() == []
        assert watch.overflow() <= 0
        watch.keep(f"studio-{request.node.callspec.id}")
        assert watch.complaints == []
        assert watch.outside == []


def test_the_api_page_names_every_path(browser: Any, address: str) -> None:
    with watched(browser, address) as watch:
        watch.page.goto(address + "api")
        watch.page.wait_for_load_state("networkidle")
        titles = watch.page.locator("h2").all_inner_texts()
        assert {"POST /api/samples", "POST /api/walks", "GET /api/models"} <= set(titles)


def test_an_overload_is_waited_out_and_a_fault_is_said(browser: Any, address: str) -> None:
    with watched(browser, address) as watch:
        answers = [
            {"status": 503, "headers": {"Retry-After": "1"}, "body": "{}"},
            {"status": 422, "body": '{"error": "that is too far"}'},
        ]

        def answer(route: Any) -> None:
            if answers:
                route.fulfill(content_type="application/json", **answers.pop(0))
            else:
                route.continue_()

        watch.page.route("**/api/samples", answer)
        watch.page.goto(address)
        watch.page.wait_for_selector("#message:visible")
        assert watch.page.inner_text("#message") == "that is too far"
        watch.page.click("#new-seed")
        watch.page.wait_for_selector("#message", state="hidden")


def test_without_a_model_the_page_says_how_to_build_one(browser: Any, tmp_path: Path) -> None:
    def load(folder: Path) -> ImageGenerator:
        raise DataError("a file is not there", where=str(folder), run="dvc repro")

    for address in served(tmp_path, load):
        with watched(browser, address) as watch:
            watch.page.goto(address)
            assert "There is no model to show" in watch.page.inner_text("main")
            assert "dvc checkout" in watch.page.inner_text("main")
            assert watch.serious_faults() == []
            watch.keep("studio-missing")
