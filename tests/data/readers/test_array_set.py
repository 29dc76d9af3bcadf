"""Sets of arrays: each has a part to play by its name, and those at odds are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.inference import Values
from ganflow.data.readers.array_set import open_set
from ganflow.data.readers.formats import recognise
from ganflow.data.splits import TEST, TRAIN

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (10, 8, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_keras_style_npz_has_its_own_splits(tmp_path: Path, save: Any) -> None:
    labels = np.arange(10) % 3
    path = tmp_path / "set.npz"
    save(path, x_train=IMAGES, y_train=labels, x_test=IMAGES[:4], y_test=labels[:4, None])
    found = open_set(recognise(path), DataParams())
    assert {part.split: part.count for part in found.parts} == {TRAIN: 10, TEST: 4}
    assert found.classes == ["0", "1", "2"]
    np.testing.assert_array_equal(
        np.concatenate(list(found.parts[0].blocks(4, (0, 255), Values()))), IMAGES
    )
    np.testing.assert_array_equal(found.parts[1].labels, labels[:4])  # type: ignore[arg-type]


def test_labels_may_be_text(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "labels.npy", np.array(["cat", "dog"] * 5))
    found = open_set(recognise(tmp_path), DataParams())
    assert found.classes == ["cat", "dog"]


@pytest.mark.parametrize(
    "content",
    [
        {"images": IMAGES, "labels": np.arange(9)},
        {"images": IMAGES, "labels": np.eye(10) / 2},
        {"images": IMAGES, "labels": np.arange(10) / 2},
        {"x_train": IMAGES, "y_train": np.arange(10), "x_test": IMAGES},
        {"x_train": IMAGES, "x_test": IMAGES[:, :4]},
        {"images": IMAGES, "nonsense": IMAGES},
        {"labels": np.arange(10), "y_test": np.arange(10)},
        {"images": IMAGES[..., None]},
    ],
)
def test_arrays_at_odds_are_refused(tmp_path: Path, content: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "set.npz", **content)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"set\.npz"):
        open_set(recognise(tmp_path / "set.npz"), DataParams())
