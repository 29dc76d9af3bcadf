"""The `sample` stage: counts, mixture, and equal bytes."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from ganflow.base.runtime import RuntimeParams
from ganflow.config.sample import SampleParams
from ganflow.gan.networks.build import (
    build_discriminator,
    build_generator,
)
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import save_networks
from ganflow.stages import sample


def write_model(root: Path, classes: int) -> None:
    keras.utils.set_random_seed(2)
    design = Design("lean", (8, 8, 3), classes, 5)
    shares = [0.5, 0.3, 0.2][:classes]
    card = {
        "design": {"architecture": "lean", "shape": [8, 8, 3], "classes": classes, "latent": 5},
        "class_shares": shares,
    }
    generator = build_generator(design)
    for weight in generator.trainable_weights:
        weight.assign(1.5 * weight)
    save_networks(root / "data/model", generator, build_discriminator(design), card)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sample, "configure", lambda runtime: None)
    return tmp_path


def run(root: Path, seed: int = 0, truncation: float = 1.0) -> dict[str, bytes]:
    sample.run(seed, RuntimeParams(), SampleParams(truncation=truncation))
    return {path.name: path.read_bytes() for path in (root / "data/samples").iterdir()}


@pytest.mark.parametrize("classes", [0, 3])
def test_outputs(project: Path, classes: int) -> None:
    write_model(project, classes)
    files = run(project)
    assert files.keys() == {"images.npy", "grid.png"} | ({"labels.npy"} if classes else set())
    images = np.load(project / "data/samples/images.npy")
    assert images.shape == (10_000, 8, 8, 3)
    assert images.dtype == np.uint8
    assert images.std() > 1
    if classes:
        labels = np.load(project / "data/samples/labels.npy")
        assert labels.dtype == np.int64
        assert np.bincount(labels).tolist() == [5000, 3000, 2000]
    with Image.open(project / "data/samples/grid.png") as grid:
        assert grid.mode == "RGB"
        assert min(grid.size) >= 8 * 3


def test_equal_seeds_are_equal_bytes_and_others_are_not(project: Path) -> None:
    write_model(project, 3)
    first = run(project)
    assert run(project) == first
    assert run(project, seed=1)["images.npy"] != first["images.npy"]


def test_truncation_brings_images_together(project: Path) -> None:
    write_model(project, 0)
    spread = []
    for truncation in (1.0, 0.1):
        run(project, truncation=truncation)
        images = np.load(project / "data/samples/images.npy").astype(float)
        spread.append(images.std(0).mean())
    assert spread[1] < 0.5 * spread[0]
