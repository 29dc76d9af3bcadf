"""The extractor stage: two classifiers, the same bytes every time, from the train split alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.files import sha256_of
from ganflow.base.paths import EXTRACTOR, PREPARED
from ganflow.base.runtime import RuntimeParams
from ganflow.config.extractor import ExtractorParams
from ganflow.features import classifier
from ganflow.features.classifier import Lessons
from ganflow.features.extractor import load_extractor
from ganflow.stages import extractor
from tests.stages.measured import write_store

SMALL = ExtractorParams(features=32, epochs=12, batch=32)
FILES = ("card.json", "weights.safetensors", "second/card.json", "second/weights.safetensors")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # a process that has used TensorFlow can no longer be given another number of threads
    monkeypatch.setattr(extractor, "configure", lambda runtime: None)
    return tmp_path


def hashes() -> list[str]:
    return [sha256_of(EXTRACTOR / name) for name in FILES]


def run_alone() -> None:
    """The stage in a process of its own, with the threads and the determinism it asks for."""
    code = (
        "from ganflow.config.extractor import ExtractorParams;"
        "from ganflow.base.runtime import RuntimeParams;"
        "from ganflow.stages.extractor import run;"
        f"run(RuntimeParams(), ExtractorParams(**{SMALL.model_dump()!r}))"
    )
    source = str(Path(extractor.__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": source}
    )


@pytest.mark.slow
def test_repeats_byte_by_byte_and_never_sees_the_test_split(project: Path) -> None:
    write_store(PREPARED)
    run_alone()
    first = hashes()
    assert first[1] != first[3]
    card = json.loads((EXTRACTOR / "card.json").read_text())
    assert card["test_accuracy"] > 0.9
    assert card["sha256"] == first[1]
    assert card["classes"][3] == "digit 3"
    assert (card["shape"], card["features"], card["images"]) == ([8, 8, 1], 32, 1000)
    assert set(card["planted_faults"]) == {"blur", "noise", "blobs", "patches", "classes"}
    assert 0.0 <= card["mirror_accuracy"] <= 1.0

    for name in ("validation", "test"):
        path = PREPARED / name / "images.npy"
        np.save(path, 255 - np.load(path))
    run_alone()
    second = hashes()
    assert [first[1], first[3]] == [second[1], second[3]]
    assert json.loads((EXTRACTOR / "card.json").read_text())["test_accuracy"] < 0.9


def test_the_card_has_the_epochs_that_auto_became(project: Path) -> None:
    write_store(PREPARED)
    extractor.run(RuntimeParams(), ExtractorParams(features=8, batch=500))
    assert load_extractor(EXTRACTOR).card["epochs"] == 40


def test_without_labels_it_supervises_itself(project: Path) -> None:
    images, _ = write_store(PREPARED, labels=False)
    extractor.run(RuntimeParams(), SMALL)
    found = load_extractor(EXTRACTOR)
    assert found.classes == ()
    assert "classes" not in found.card
    assert found.card["test_accuracy"] > 0.5  # of four positions
    assert found.describe(images[:10]).features.shape == (10, 32)


def test_images_are_read_a_few_batches_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is learnt does not depend on how many at a time."""
    numbers = np.random.default_rng(0)
    images = numbers.integers(0, 256, (300, 8, 8, 1), np.uint8)
    labels = (images.mean((1, 2, 3)) > 127).astype(np.int64)
    lessons = Lessons(seed=0, epochs=2, batch=32, learning_rate=0.01, bfloat16=False)
    reads: list[int] = []

    class Watched(np.ndarray):
        def __getitem__(self, rows: Any) -> Any:
            if isinstance(rows, np.ndarray):
                reads.append(rows.size)
            return np.asarray(super().__getitem__(rows))

    learnt = []
    for size in (1, 5 * 32 * 64, 2**30):
        monkeypatch.setattr(classifier, "BYTES_PER_CALL", size)
        reads.clear()
        learnt.append(classifier.train(images.view(Watched), labels, 16, 2, lessons))
        assert max(reads) == {1: 32, 5 * 32 * 64: 160, 2**30: 18 * 32}[size]
        assert sum(reads) == 18 * 32
    for name, weights in learnt[0].items():
        assert weights == pytest.approx(learnt[1][name], abs=1e-6)
        assert weights == pytest.approx(learnt[2][name], abs=1e-6)


def test_exchanged_weights_and_missing_ones_are_named(project: Path) -> None:
    write_store(PREPARED)
    extractor.run(RuntimeParams(), ExtractorParams(features=8, epochs=1, batch=64))
    weights = EXTRACTOR / "weights.safetensors"
    weights.write_bytes((EXTRACTOR / "second/weights.safetensors").read_bytes())
    with pytest.raises(DataError, match=r"(?s)not those that the card.*weights\.safetensors"):
        load_extractor(EXTRACTOR)
    weights.unlink()
    with pytest.raises(DataError, match=r"weights\.safetensors"):
        load_extractor(EXTRACTOR)


def test_images_of_another_shape_are_refused(project: Path) -> None:
    write_store(PREPARED)
    extractor.run(RuntimeParams(), ExtractorParams(features=8, epochs=1, batch=64))
    found = load_extractor(EXTRACTOR)
    with pytest.raises(DataError, match=r"\(28, 28, 1\)"):
        found.describe(np.zeros((3, 28, 28, 1), np.uint8))
