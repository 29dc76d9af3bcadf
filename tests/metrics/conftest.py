"""A small extractor trained on real digits, once for all tests that look at images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.store import Split, open_store

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Digits:
    train: Split
    validation: Split
    test: Split


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """Real MNIST: 10,000 training, 2,000 validation and 2,000 test images."""
    from ganflow.config.data import DataParams
    from ganflow.data.prepare import prepare

    folder = tmp_path_factory.mktemp("prepared")
    prepare(DataParams(), ROOT / "data/raw", folder)
    store = open_store(folder)

    def first(name: str, count: int) -> Split:
        split = store.split(name)  # type: ignore[arg-type]
        assert split.labels is not None
        return Split(np.asarray(split.images[:count]), split.labels[:count])

    return Digits(first("train", 10_000), first("validation", 2_000), first("test", 2_000))
