"""The weights of a network as a file of safetensors, which can carry neither code nor a time."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from ganflow.base.errors import DataError
from ganflow.base.files import reading, write_bytes


def write_weights(path: Path, weights: Mapping[str, np.ndarray]) -> str:
    """Write arrays by name; returns the SHA-256 of the file, for the network's card."""
    content = safetensors.numpy.save(dict(weights))
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def read_weights(path: Path, sha256: str | None) -> dict[str, np.ndarray]:
    """The arrays by name.

    Raises:
        DataError: the file is missing, or its SHA-256 is not that of the card.
    """
    with reading(path, "a file of weights"):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(
            "the weights are not those that the card describes",
            where=str(path),
            expected=f"SHA-256 {sha256}",
            run=f"dvc checkout {path.parent}, or dvc repro",
        )
    return safetensors.numpy.load(content)  # type: ignore[no-any-return]
