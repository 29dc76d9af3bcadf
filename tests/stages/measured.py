"""A project small enough to be measured in a second: 8×8 digits, written as `prepare` would."""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

SPLITS = {"train": 1000, "validation": 300, "test": 497}


def write_store(folder: Path, labels: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Write the store; returns its training images and labels."""
    found = load_digits()
    images = np.round(found.images * 255 / 16).astype(np.uint8)[..., None]
    order = np.random.default_rng(0).permutation(len(images))
    start = 0
    for name, count in SPLITS.items():
        rows = order[start : start + count]
        (folder / name).mkdir(parents=True)
        np.save(folder / name / "images.npy", images[rows])
        if labels:
            np.save(folder / name / "labels.npy", found.target[rows].astype(np.int64))
        start += count
    card = {"source": "digits", "shape": [8, 8, 1], "splits": SPLITS, "sha256": "d" * 64}
    if labels:
        card["classes"] = [f"digit {index}" for index in range(10)]
    (folder / "dataset.json").write_text(json.dumps(card))
    return images[order[:1000]], found.target[order[:1000]].astype(np.int64)


def write_samples(folder: Path, images: np.ndarray, labels: np.ndarray | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", images)
    (folder / "labels.npy").unlink(missing_ok=True)
    if labels is not None:
        np.save(folder / "labels.npy", labels)
