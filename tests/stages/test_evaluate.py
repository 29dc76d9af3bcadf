"""The evaluate stage: what stands in its files, and that bad input leaves none."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganflow.base.errors import DataError, GanflowError
from ganflow.base.files import sha256_of
from ganflow.base.paths import EVALUATION, EXTRACTOR, PREPARED, SAMPLES
from ganflow.base.runtime import RuntimeParams
from ganflow.config.evaluation import EvaluationParams
from ganflow.config.extractor import ExtractorParams
from ganflow.stages import evaluate, extractor
from tests.stages.measured import write_samples, write_store


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its extractor; each test works in a copy."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(extractor, "configure", lambda runtime: None)
        write_store(PREPARED)
        extractor.run(RuntimeParams(), ExtractorParams(features=16, epochs=8, batch=32))
    return folder


@pytest.fixture
def project(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[np.ndarray, np.ndarray]:
    """Samples to be spoilt, and the project they are to be judged in."""
    import shutil

    shutil.copytree(trained / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate, "configure", lambda runtime: None)
    monkeypatch.setattr(evaluate, "PLANS", {"quick": (600, 20), "full": (900, 30)})
    images = np.load(PREPARED / "train/images.npy")
    noise = np.random.default_rng(1).normal(0, 12, images.shape)
    noisy = np.clip(np.round(images + noise), 0, 255).astype(np.uint8)
    return noisy, np.load(PREPARED / "train/labels.npy")


def run_stage(**changes: Any) -> dict[str, Any]:
    evaluate.run(RuntimeParams(), EvaluationParams(baseline_draws=3, **changes))
    found: dict[str, Any] = json.loads((EVALUATION / "metrics.json").read_text())
    return found


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield value


def test_metrics_detail_and_plots(project: tuple[np.ndarray, np.ndarray]) -> None:
    write_samples(SAMPLES, *project)
    metrics = run_stage()
    assert set(metrics) == {
        "fd", "kid", "prdc", "classes", "memorization", "profile", "evaluator", "evaluator_test"
    }  # fmt: skip
    assert metrics["profile"] == "quick"
    assert len(metrics["evaluator"]) == 16
    assert len(list(numbers(metrics))) <= 20
    assert all(math.isfinite(number) for number in numbers(metrics))
    fd = metrics["fd"]
    assert fd["ratio"] == pytest.approx(fd["value"] / fd["baseline"], rel=1e-5)
    assert fd["low"] < fd["value"] < fd["high"]
    assert metrics["classes"]["label_accuracy"] > 0.8

    detail = json.loads((EVALUATION / "detail.json").read_text())
    assert detail["fd"]["interval"] == [fd["low"], fd["high"]]
    assert detail["fd"]["second"]["agrees"] in (True, False)
    assert len(detail["fd"]["infinity"]["sizes"]) >= 10
    for family in ("kid", "prdc"):
        assert "real" in detail[family]
    each = detail["classes"]["each"]
    assert [row["class"] for row in each] == [f"digit {index}" for index in range(10)]
    assert max(row["fd"]["ratio"] for row in each) == metrics["classes"]["worst_ratio"]
    assert sum(row["samples"] for row in each) == 600, "of the samples that the profile judges"
    with (EVALUATION / "plots/classes.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows] == [f"digit {index}" for index in range(10)]
    assert sum(float(row["real"]) for row in rows) == pytest.approx(1, abs=1e-4)
    with Image.open(EVALUATION / "plots/neighbours.png") as page:
        assert page.size == (7 * 10 + 2, 20 * 10 + 2)
    with Image.open(EVALUATION / "plots/samples.png") as page:
        assert page.size == (102, 102)


def test_equal_samples_give_equal_bytes(project: tuple[np.ndarray, np.ndarray]) -> None:
    write_samples(SAMPLES, *project)
    found = []
    for _ in range(2):
        run_stage()
        files = sorted(path for path in EVALUATION.rglob("*") if path.is_file())
        found.append([(path, sha256_of(path)) for path in files])
    assert found[0] == found[1]
    assert len(found[0]) == 7


@pytest.mark.slow
def test_the_full_profile_asks_fresh_classifiers(
    project: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr("ganflow.metrics.fresh_classifiers.SEEDS", 2)
    write_samples(SAMPLES, *project)
    metrics = run_stage(profile="full")
    assert 0 < metrics["c2st"]["accuracy"] <= 1
    assert 0.5 < metrics["cas"]["ratio"] < 1.5
    assert len(list(numbers(metrics))) <= 20
    detail = json.loads((EVALUATION / "detail.json").read_text())
    assert len(detail["cas"]["from_samples"]) == 2
    assert detail["c2st"]["epochs"] == detail["cas"]["epochs"] == 20, "few images are seen often"


def test_unconditional_samples_have_no_label_accuracy(
    project: tuple[np.ndarray, np.ndarray],
) -> None:
    write_samples(SAMPLES, project[0], None)
    metrics = run_stage()
    assert set(metrics["classes"]) == {"kl", "worst_ratio"}


def test_the_evaluator_changes_with_the_test_split_alone(
    project: tuple[np.ndarray, np.ndarray],
) -> None:
    images, labels = project
    write_samples(SAMPLES, images, labels)
    first = run_stage()["evaluator"]
    write_samples(SAMPLES, images[::-1].copy(), labels[::-1].copy())
    assert run_stage()["evaluator"] == first
    test = np.load(PREPARED / "test/images.npy")
    test[0, 0, 0, 0] ^= 1
    np.save(PREPARED / "test/images.npy", test)
    assert run_stage()["evaluator"] != first


def spoilt(case: str, images: np.ndarray, labels: np.ndarray) -> None:
    if case == "few":
        images, labels = images[:599], labels[:599]
    elif case == "constant":
        images = np.full_like(images, 7)
    elif case == "nan":
        images = images.astype(np.float32)
        images[3, 0, 0] = np.nan
    elif case == "shape":
        images = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    elif case == "count":
        labels = labels[:-1]
    elif case == "class":
        labels = labels + 1
    write_samples(SAMPLES, images, labels)
    if case == "extractor":
        card = json.loads((EXTRACTOR / "second/card.json").read_text())
        (EXTRACTOR / "second/card.json").write_text(json.dumps({**card, "source": "e" * 64}))


@pytest.mark.parametrize(
    ("case", "file", "said"),
    [
        ("few", "data/samples/images.npy", "599 samples"),
        ("constant", "data/samples/images.npy", "all 1000 images are the same"),
        ("nan", "data/samples/images.npy", "1 pixels that are not finite"),
        ("shape", "data/samples/images.npy", r"\(1000, 10, 10, 1\)"),
        ("count", "data/samples/labels.npy", r"\(999,\) for 1000 samples"),
        ("class", "data/samples/labels.npy", "labels from 1 to 10"),
        ("extractor", "data/extractor/second", "trained on data eeeeeeeeeeee"),
    ],
)
def test_bad_input_names_the_file_and_the_number_and_leaves_no_metrics(
    project: tuple[np.ndarray, np.ndarray], case: str, file: str, said: str
) -> None:
    spoilt(case, *project)
    with pytest.raises(DataError, match=said) as caught:
        run_stage()
    assert file in str(caught.value)
    assert not EVALUATION.exists()


class Stripes:
    """In Inception's place: means over rows and over columns."""

    def __init__(self, weights: Path) -> None:
        assert weights.read_bytes() == b"weights"

    def describe(self, images: np.ndarray) -> np.ndarray:
        pixels = images[..., 0].astype(np.float32)
        return np.hstack([pixels.mean(axis=1), pixels.mean(axis=2)])


@pytest.mark.slow
def test_inceptions_distance_is_never_the_extractors(
    project: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr("ganflow.metrics.fresh_classifiers.SEEDS", 2)
    monkeypatch.setattr(evaluate, "Inception", Stripes)
    place = Path("data/raw/inception/inception_v3_notop.h5")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"weights")
    write_samples(SAMPLES, *project)
    plain = run_stage(profile="full")
    metrics = run_stage(profile="full", features="inception")
    detail = json.loads((EVALUATION / "detail.json").read_text())
    assert set(metrics["fid"]) == {"value", "ratio"}
    assert metrics["fid"]["value"] != pytest.approx(metrics["fd"]["value"], rel=0.01)
    assert metrics["fd"] == {k: v for k, v in plain["fd"].items() if k not in ("low", "high")}
    assert detail["fid"]["interval"][0] < metrics["fid"]["value"] < detail["fid"]["interval"][1]
    assert metrics["evaluator"] != plain["evaluator"]
    assert len(list(numbers(metrics))) <= 20


def test_copies_and_a_poor_extractor_are_doubted_aloud(
    project: tuple[np.ndarray, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    write_samples(SAMPLES, *project)  # training images with a little noise
    run_stage()
    # Another processor's extractors may also disagree with each other, which is a doubt too.
    copied, *_ = json.loads((EVALUATION / "detail.json").read_text())["doubts"]
    assert "nearer to training images" in copied
    card = json.loads((EXTRACTOR / "card.json").read_text())
    (EXTRACTOR / "card.json").write_text(json.dumps({**card, "test_accuracy": 0.12}))
    run_stage()
    both = json.loads((EVALUATION / "detail.json").read_text())["doubts"]
    assert copied in both
    (poor,) = (doubt for doubt in both if "12.0%" in doubt)
    assert "poor evaluator" in poor
    said = capsys.readouterr().out
    assert all(f"doubt: {doubt}" in said for doubt in both)


def test_inception_without_its_weights_says_how_to_get_them(
    project: tuple[np.ndarray, np.ndarray],
) -> None:
    write_samples(SAMPLES, *project)
    with pytest.raises(GanflowError, match=r"(?s)inception_v3_notop\.h5.*README"):
        run_stage(features="inception")
    assert not EVALUATION.exists()
