"""What the report is made from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ganflow.base import environment
from ganflow.base.files import sha256_of
from ganflow.base.store import Store


class ImageGenerator(Protocol):
    """The part of `ganflow.gan.saved.SavedGenerator` that the report uses."""

    @property
    def latent(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def classes(self) -> int: ...
    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray: ...


@dataclass(frozen=True)
class Sources:
    """The outputs of the other stages.

    Attributes:
        samples: uint8 (N, H, W, C).
        labels: int64 (N,), or None.
        metrics, detail: of the evaluation.
        training: the folder of the curves and pictures.
        digests: a hash of each folder.
    """

    store: Store
    generator: ImageGenerator
    samples: np.ndarray
    labels: np.ndarray | None
    metrics: Mapping[str, Any]
    detail: Mapping[str, Any]
    training: Path
    model_card: Mapping[str, Any]
    extractor_card: Mapping[str, Any]
    digests: Mapping[str, str]


def versions() -> dict[str, str]:
    """Installed versions of the libraries that compute, that draw and check, and of ganflow."""
    others = ("matplotlib", "pydantic", "ganflow")
    return {**environment.versions(), **{name: metadata.version(name) for name in others}}


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of every file below `folder`, in order of names."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n".encode())
    return total.hexdigest()
