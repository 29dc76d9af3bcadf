"""A project in miniature: 8×8 images of two classes, and an extractor that nobody trained."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import yaml

from ganflow.base.files import write_array, write_json
from ganflow.features import classifier
from ganflow.features.extractor import Extractor, save_extractor

SIDE, FEATURES = 8, 16
SOURCE = Path(__file__).parents[2] / "src"

PARAMS: dict[str, Any] = {
    "seed": 3,
    "runtime": {"threads": 1, "precision": "float32"},
    "model": {"architecture": "lean", "latent": 6},
    "train": {"images": 8 * 120, "batch": 8, "ema_half_life": 64, "snapshots": 3},
}


def images(count: int, seed: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Discs whose place tells the class: uint8 (N, 8, 8, channels), int64 (N,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=count)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre = 2.5 + 3 * labels + rng.normal(0, 0.3, count)
    far = np.hypot(rows - centre[:, None, None], columns - centre[:, None, None])
    grey = 255 / (1 + np.exp(2 * (far - 2)))
    return np.repeat(grey[..., None], channels, 3).astype(np.uint8), labels


def extractor(channels: int = 1, labelled: bool = True) -> Extractor:
    keras.utils.set_random_seed(11)
    shape = (SIDE, SIDE, channels)
    model = classifier.network(shape, FEATURES, 2 if labelled else 4)
    weights = {variable.path: variable.numpy() for variable in model.trainable_variables}
    classes = {"classes": ["left", "right"]} if labelled else {}
    return Extractor(weights, {"shape": list(shape), "features": FEATURES, **classes})


def write_project(
    root: Path, channels: int = 1, labelled: bool = True, **changes: dict[str, Any]
) -> Path:
    """Write params.yaml, data/prepared and data/extractor; returns `root`."""
    prepared = root / "data/prepared"
    splits = {"train": 200, "validation": 60, "test": 40}
    for seed, (name, count) in enumerate(splits.items()):
        pixels, labels = images(count, seed, channels)
        write_array(prepared / name / "images.npy", pixels)
        if labelled:
            write_array(prepared / name / "labels.npy", labels)
    write_json(
        prepared / "dataset.json",
        {
            "source": "discs",
            "shape": [SIDE, SIDE, channels],
            **({"classes": ["left", "right"]} if labelled else {}),
            "splits": splits,
            "sha256": "0" * 64,
        },
    )
    save_extractor(root / "data/extractor", extractor(channels, labelled), mirror_accuracy=0.9)
    params = {
        key: dict(value) if isinstance(value, dict) else value for key, value in PARAMS.items()
    }
    for section, values in changes.items():
        params[section] = {**params.get(section, {}), **values}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    return root


def environment(root: Path, **more: str) -> dict[str, str]:
    state = {"GANFLOW_STATE": str(root / ".ganflow"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, "PYTHONPATH": str(SOURCE), **state, **more}


def start(root: Path, stage: str = "train", **more: str) -> subprocess.Popen[str]:
    """Start a stage as DVC does."""
    return subprocess.Popen(
        [sys.executable, "-m", "ganflow", stage],
        cwd=root,
        env=environment(root, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outputs(root: Path) -> dict[str, bytes]:
    """What the stage `train` wrote: contents by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("data/model", "data/training")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }
