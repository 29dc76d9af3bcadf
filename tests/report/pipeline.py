"""A project's folders after every stage but the report, in miniature: 12 × 12 images."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.files import read_array, write_array, write_json
from ganflow.base.images import image_grid, write_png
from ganflow.metrics.copies import find_copies
from ganflow.metrics.failures import find_failures

SIDE = 12


@dataclass(frozen=True)
class Shape:
    """What varies between projects."""

    channels: int = 1
    classes: int = 4
    conditional: bool = True


def blobs(labels: np.ndarray, latents: np.ndarray, channels: int) -> np.ndarray:
    """One bright spot an image: its place tells the class, its brightness the latent."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    angle = 2 * np.pi * labels[:, None, None] / 7
    down = 5.5 + 3 * np.sin(angle) + 0.4 * latents[:, 0, None, None]
    right = 5.5 + 3 * np.cos(angle) + 0.4 * latents[:, 1, None, None]
    spot = np.exp(-((rows - down) ** 2 + (columns - right) ** 2) / 4)
    tint = np.linspace(1, 0.5, channels)
    strength = 200 + 20 * np.tanh(latents[:, 2, None, None, None])
    return (spot[..., None] * tint * strength).astype(np.uint8)


class FakeGenerator:
    """Blobs instead of a network."""

    latent = 3

    def __init__(self, shape: Shape) -> None:
        self.shape = (SIDE, SIDE, shape.channels)
        self.classes = shape.classes if shape.conditional else 0

    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        assert (labels is not None) == (self.classes > 0)
        assert latents.shape[1:] == (3,)
        chosen = np.zeros(len(latents), np.int64) if labels is None else labels
        return blobs(chosen, latents, self.shape[2])


def logits_of(images: np.ndarray, shape: Shape) -> np.ndarray:
    """Logits (N, K) that tell the class by the place of the spot."""
    kinds = shape.classes or 4
    ideal = blobs(np.arange(kinds), np.zeros((kinds, 3)), 1)
    flat = images[..., :1].reshape(len(images), -1).astype(float)
    gaps = ((flat[:, None] - ideal.reshape(1, kinds, -1)) ** 2).mean(2)
    return (-gaps / 50).astype(np.float32)


def write_outputs(root: Path, shape: Shape) -> None:
    """Write every folder that the report reads."""
    random = np.random.default_rng(5)
    prepared = root / "data/prepared"
    kinds = max(1, shape.classes)

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = random.integers(0, kinds, count)
        return blobs(labels, random.standard_normal((count, 3)), shape.channels), labels

    sizes = {"train": 120, "validation": 40, "test": 40}
    for split, size in sizes.items():
        images, labels = draw(size)
        write_array(prepared / split / "images.npy", images)
        if shape.classes:
            write_array(prepared / split / "labels.npy", labels)
    names = [f"kind {i}" for i in range(shape.classes)]
    card = {"source": "blobs", "shape": [SIDE, SIDE, shape.channels], "splits": sizes}
    write_json(
        prepared / "dataset.json",
        {**card, **({"classes": names} if names else {}), "sha256": "0" * 64},
    )
    images, labels = draw(200)
    write_array(root / "data/samples/images.npy", images)
    if shape.conditional:
        write_array(root / "data/samples/labels.npy", labels)
    write_json(
        root / "data/model/card.json",
        {"latent": 3, "precision": "float32", "class_names": names if shape.conditional else []},
    )
    write_json(root / "data/extractor/card.json", {"test_accuracy": 0.98})
    training = root / "data/training"
    training.mkdir(parents=True)
    for seen in (0, 500, 1000):
        write_png(training / f"progress/{seen:08d}.png", image_grid(draw(16)[0], 4))
    _write_csv(training / "quality.csv", ["images", "fd"], [(500, 9.0), (1000, 3.0)])
    columns = "images,generator_loss,discriminator_loss,real_logit,fake_logit,learning_rate"
    history = [(i * 10, 2 - i / 100, 1 + i / 200, 0.5, -0.5, 1e-3) for i in range(100)]
    _write_csv(training / "history.csv", columns.split(","), history)
    metrics = {
        "fd": {"value": 3.0, "baseline": 1.5, "ratio": 2.0, "low": 2.8, "high": 3.2},
        "kid": {"value": 0.004},
        "classes": {"kl": 0.001, "label_accuracy": 0.97},
        "profile": "quick",
        "evaluator": "f" * 16,
    }
    detail: dict[str, Any] = {
        "fd": {"baseline": {"mean": 1.5, "spread": 0.1}},
        "kid": {"value": 0.004, "error": 0.001, "real": {"value": -0.0001, "error": 0.001}},
        "classes": {"kl_baseline": 0.0002, "test": {"label_accuracy": 0.99}},
    }
    if names:
        rows = [
            {"class": name, "fd": {"ratio": 2.0 + index, "ratio_interval": [1.0, 9.0]}}
            for index, name in enumerate(names)
        ]
        detail["classes"]["each"] = rows
    write_json(root / "data/evaluation/metrics.json", metrics)
    write_detail(root, shape, detail)


def write_detail(root: Path, shape: Shape, detail: dict[str, Any]) -> None:
    """Write detail.json, with what `evaluate` finds of the samples and splits on disk."""
    samples = read_array(root / "data/samples/images.npy")
    labels = read_array(root / "data/samples/labels.npy") if shape.conditional else None
    train, validation = (
        read_array(root / "data/prepared" / split / "images.npy")
        for split in ("train", "validation")
    )
    names = [f"kind {i}" for i in range(shape.classes)]
    found = {
        "copies": find_copies(samples, train, validation),
        "failures": find_failures(labels, logits_of(samples, shape), names),
    }
    write_json(root / "data/evaluation/detail.json", {**detail, **found})


def _write_csv(path: Path, header: list[str], rows: list[tuple[float, ...]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
