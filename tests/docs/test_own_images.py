"""The whole pipeline on images it has never seen: a small folder, in colour, not square."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.docs.commands import ROOT

SHORT = {
    "data.source": "shapes",
    "train.images": 1280,
    "train.snapshots": 2,
}


def draw_shapes(folder: Path) -> None:
    """400 bright discs and 400 bright boxes on dark grounds, 24×20 pixels."""
    numbers = np.random.default_rng(0)
    for label in ("disc", "box"):
        (folder / label).mkdir(parents=True)
        for index in range(400):
            image = Image.new("RGB", (24, 20), tuple(numbers.integers(0, 90, 3).tolist()))
            left, top, size = (int(n) for n in numbers.integers((2, 2, 5), (10, 10, 10)))
            pen = ImageDraw.Draw(image)
            shape = pen.ellipse if label == "disc" else pen.rectangle
            corners = (left, top, left + size, top + size)
            shape(corners, fill=tuple(numbers.integers(120, 256, 3).tolist()))
            image.save(folder / label / f"{index}.png")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_folder_of_pictures_becomes_a_report(tmp_path: Path) -> None:
    """The steps of docs/data.md and docs/getting-started.md, and a second run that does nothing."""
    from ganflow.config.params import edit

    for name in ("dvc.yaml", "params.yaml", "ganflow.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "src").symlink_to(ROOT / "src")
    shutil.copytree(ROOT / "data" / "raw" / "inception", tmp_path / "data" / "raw" / "inception")
    draw_shapes(tmp_path / "data" / "raw" / "shapes")
    edit(SHORT, tmp_path / "params.yaml")
    run(tmp_path, "init", "--no-scm", "--quiet")
    run(tmp_path, "repro")

    data = tmp_path / "data"
    card = json.loads((data / "prepared" / "dataset.json").read_text())
    assert card["shape"] == [20, 24, 3]
    assert card["classes"] == ["box", "disc"]
    samples = np.load(data / "samples" / "images.npy", mmap_mode="r")
    assert samples.shape == (10_000, 20, 24, 3)
    assert samples.std() > 5, "not blank"
    metrics = json.loads((data / "evaluation" / "metrics.json").read_text())
    assert 1 < metrics["fd"]["ratio"] < 1e4
    assert (data / "report" / "index.html").stat().st_size > 50_000

    locked = (tmp_path / "dvc.lock").read_bytes()
    again = run(tmp_path, "repro")
    assert "Running stage" not in again
    assert (tmp_path / "dvc.lock").read_bytes() == locked


def run(project: Path, *words: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=project,
        env={**os.environ, "PATH": path, "PYTHONPATH": "src", "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
