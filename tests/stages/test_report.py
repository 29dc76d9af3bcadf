"""The report is one file that repeats byte by byte, asks for nothing, and tells what was found."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from ganflow.base.files import read_array
from ganflow.base.images import image_grid
from ganflow.base.runtime import RuntimeParams
from ganflow.config.data import DataParams
from ganflow.config.evaluation import EvaluationParams
from ganflow.config.extractor import ExtractorParams
from ganflow.config.model import ModelParams
from ganflow.config.report import ReportParams
from ganflow.config.sample import SampleParams
from ganflow.config.train import TrainParams
from tests.report.pipeline import FakeGenerator, Shape, write_detail, write_outputs


class Reader(HTMLParser):
    """Collects what a page consists of, and that every element is closed."""

    VOID = frozenset({"img", "meta", "link", "input", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def write_report(
    root: Path, shape: Shape, monkeypatch: pytest.MonkeyPatch, report: ReportParams | None = None
) -> str:
    from ganflow.stages import report as stage

    monkeypatch.chdir(root)
    monkeypatch.setattr(stage, "configure", lambda runtime: None)
    monkeypatch.setattr(stage, "load_generator", lambda folder: FakeGenerator(shape))
    stage.run(
        seed=3,
        runtime=RuntimeParams(),
        data=DataParams(),
        extractor=ExtractorParams(),
        model=ModelParams(),
        train=TrainParams(),
        sample=SampleParams(),
        evaluation=EvaluationParams(),
        report=report or ReportParams(samples=16),
    )
    return (root / "data/report/index.html").read_text()


SHAPES = {
    "labels": Shape(),
    "colour": Shape(channels=3),
    "no labels": Shape(classes=0, conditional=False),
    "unconditional": Shape(conditional=False),
    "many classes": Shape(classes=30),
}


@pytest.fixture(scope="module", params=SHAPES.values(), ids=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    return request.param


@pytest.fixture(scope="module")
def root(shape: Shape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its report, one for each shape."""
    folder = tmp_path_factory.mktemp("project")
    write_outputs(folder, shape)
    with pytest.MonkeyPatch.context() as patch:
        write_report(folder, shape, patch)
    return folder


@pytest.fixture
def page(root: Path) -> str:
    return (root / "data/report/index.html").read_text()


def test_it_is_one_file_and_asks_for_nothing_outside(page: str, root: Path) -> None:
    files = {p.name for p in (root / "data/report").iterdir()}
    assert files == {"index.html", "growth.webp"}, "the animation is for elsewhere"
    assert "growth.webp" not in page
    read = Reader(page)
    assert not read.named("script")
    for tag, attributes in read.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data"):
            address = attributes.get(name, "#")
            assert address.startswith(("#", "data:")), (tag, name, address[:80])
    outside = re.sub(r"data:[a-z/]+;base64,[A-Za-z0-9+/=]+", "", page)
    assert set(re.findall(r"https?://[^\"' <)]+", outside)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in outside
    assert set(re.findall(r"url\((.)", outside)) <= {"#"}


def test_ids_are_unique_links_arrive_and_pictures_have_words(page: str) -> None:
    read = Reader(page)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for reference in re.findall(r"url\(#([^)]+)\)", page):
        assert reference in ids
    for _, attributes in read.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name, ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"].removeprefix("#") in ids
    assert all(image["alt"] for image in read.named("img"))
    assert all(svg["aria-label"] for svg in read.named("svg") if svg.get("class") == "chart")
    assert len(read.named("main")) == len(read.named("h1")) == len(read.named("nav")) == 1


def test_every_picture_opens_at_the_size_it_claims(page: str) -> None:
    images = Reader(page).named("img")
    assert len(images) > 10
    for image in images:
        with Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))) as picture:
            assert picture.size == (int(image["width"]), int(image["height"]))


def test_sections_that_do_not_apply_are_left_out(page: str, shape: Shape) -> None:
    text = " ".join(Reader(page).text)
    assert ("Commonest confusions" in text or "All confusions" in text) == shape.conditional
    assert ("One latent in every class" in text) == shape.conditional
    assert ("read as kind" in text) == (shape.classes > 0)
    assert ("hardly stand upright" in text) == (shape.classes == 0)
    assert ("Images by class" in text) == (shape.classes > 0)
    assert "None" not in text
    by_class = ["classes"] if shape.classes else []
    order = ["beside", "growth", "variation", "copying", "failures", "data", "provenance"]
    sections = [s["id"] for s in Reader(page).named("section")]
    assert sections == ["samples", "verdict", *by_class, *order]


def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = []
    for name in ("one", "another"):
        write_outputs(tmp_path / name, Shape())
        pages.append(write_report(tmp_path / name, Shape(), monkeypatch))
    assert pages[0] == pages[1]
    assert str(tmp_path) not in pages[0]


def test_the_samples_shown_are_the_first_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_outputs(tmp_path, Shape())
    page = write_report(tmp_path, Shape(), monkeypatch)
    first = read_array(tmp_path / "data/samples/images.npy")[:16]
    source = Reader(page).named("img")[0]["src"]
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        shown = np.asarray(picture)[..., None]
    assert (shown == image_grid(first, 4, scale=84 // 12)).all()


def test_the_growth_shows_every_snapshot_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_outputs(tmp_path, Shape())
    page = write_report(tmp_path, Shape(), monkeypatch)
    source = next(i["src"] for i in Reader(page).named("img") if "moments" in i["alt"])
    files = sorted((tmp_path / "data/training/progress").iterdir())
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as moving:
        shown = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(moving)]
    for frame, file in zip(shown, files, strict=True):
        with Image.open(file) as expected:
            assert (frame == np.asarray(expected)).all()


def test_the_run_is_an_animation_as_a_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_outputs(tmp_path, Shape())
    write_report(tmp_path, Shape(), monkeypatch)
    path, files = tmp_path / "data/report/growth.webp", (tmp_path / "data/training/progress")
    with Image.open(path) as moving:
        shown = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(moving)]
    expected = [np.asarray(Image.open(file)) for file in sorted(files.iterdir())]
    assert len(shown) == len(expected)
    assert all((a == b).all() for a, b in zip(shown, expected, strict=True))
    first = path.read_bytes()
    write_report(tmp_path, Shape(), monkeypatch)
    assert path.read_bytes() == first


def test_the_verdict_carries_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outputs(tmp_path, Shape())
    text = " ".join(Reader(write_report(tmp_path, Shape(), monkeypatch)).text)
    assert (
        "close to real images, and still told apart from them: their Fréchet distance to unseen "
        "real images is 3 (95 % interval 2.8 to 3.2), 2.0 times the 1.5 that equally many real "
        "images reach; 97.0 % of them are read as the class they were asked for"
        in text.replace("\u00a0", " ")
    )


def test_copies_are_found_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outputs(tmp_path, Shape())
    stolen = np.array(read_array(tmp_path / "data/samples/images.npy"))
    stolen[:3] = read_array(tmp_path / "data/prepared/train/images.npy")[[7, 11, 80]]
    np.save(tmp_path / "data/samples/images.npy", stolen)
    write_detail(tmp_path, Shape(), {})
    text = " ".join(Reader(write_report(tmp_path, Shape(), monkeypatch)).text)
    assert "3 are pixel for pixel a training image" in text


def test_text_from_the_parameters_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_outputs(tmp_path, Shape())
    title = "<script>alert(1)</script> & co"
    page = write_report(tmp_path, Shape(), monkeypatch, ReportParams(title=title, samples=4))
    assert not Reader(page).named("script")
    assert "&lt;script&gt;" in page


def test_what_training_did_not_leave_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_outputs(tmp_path, Shape())
    for path in sorted((tmp_path / "data/training").rglob("*")):
        if path.is_file():
            path.unlink()
    (tmp_path / "data/evaluation/detail.json").unlink()
    page = write_report(tmp_path, Shape(), monkeypatch)
    assert not [svg for svg in Reader(page).named("svg") if svg.get("class") == "chart"]
    assert "of unseen real images" not in page
    assert 'id="copying"' not in page
    assert 'id="failures"' not in page
    assert "2.8 to 3.2" in page
