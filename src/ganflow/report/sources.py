"""What the report needs of the networks, and of the files it was made from."""

import hashlib
from importlib import metadata
from pathlib import Path
from typing import Protocol

import numpy as np

from ganflow.base.files import sha256_of

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "scipy",
    "pillow",
    "matplotlib",
    "pydantic",
    "ganflow",
)
"""Those whose version can change a result."""


class Generator(Protocol):
    """What `ganflow.gan.saved.load_generator` gives."""

    @property
    def latent(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def classes(self) -> int: ...
    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray: ...


def versions() -> dict[str, str]:
    """Installed versions of the packages that shape results; absent ones are left out."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of every file below `folder`, in order of names."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n".encode())
    return total.hexdigest()
