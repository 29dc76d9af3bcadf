"""The store: what is written is what is read, and a store at odds with its card is refused."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.files import write_array, write_json
from ganflow.base.store import CARD, open_store, writing_array


def a_store(folder: Path, images: int = 3, labels: bool = True) -> Path:
    card = {"source": "x", "shape": [8, 8, 1], "sha256": "0", "splits": {"train": images}}
    write_json(folder / CARD, card | ({"classes": ["a", "b"]} if labels else {}))
    write_array(folder / "train" / "images.npy", np.full((images, 8, 8, 1), 7, np.uint8))
    if labels:
        write_array(folder / "train" / "labels.npy", np.zeros(images, np.int64))
    return folder


def test_blocks_written_one_by_one_are_the_array(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (25, 4, 4, 3), dtype=np.uint8)
    with writing_array(tmp_path / "a.npy", rows.shape, rows.dtype) as append:
        for start in range(0, 25, 7):
            append(rows[start : start + 7])
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r", allow_pickle=False)
    np.testing.assert_array_equal(mapped, rows)


def test_a_row_of_another_shape_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="does not continue"),
        writing_array(tmp_path / "a.npy", (2, 4), np.uint8) as append,
    ):
        append(np.zeros((2, 5), np.uint8))


def test_rows_that_are_missing_are_noticed(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="2 rows do not make"),
        writing_array(tmp_path / "a.npy", (3, 4), np.uint8) as append,
    ):
        append(np.zeros((2, 4), np.uint8))


def test_images_are_mapped_and_labels_are_indices(tmp_path: Path) -> None:
    store = open_store(a_store(tmp_path))
    split = store.split("train")
    assert store.shape == (8, 8, 1)
    assert store.classes == ("a", "b")
    assert isinstance(split.images, np.memmap)
    assert split.labels is not None
    assert split.labels.dtype == np.int64


def test_without_labels_there_are_no_classes(tmp_path: Path) -> None:
    store = open_store(a_store(tmp_path, labels=False))
    assert store.classes == ()
    assert store.split("train").labels is None


def test_a_split_at_odds_with_the_card_is_refused(tmp_path: Path) -> None:
    a_store(tmp_path)
    write_array(tmp_path / "train" / "images.npy", np.zeros((2, 8, 8, 1), np.uint8))
    write_array(tmp_path / "train" / "labels.npy", np.zeros(2, np.int64))
    with pytest.raises(DataError, match="at odds"):
        open_store(tmp_path).split("train")


def test_a_missing_store_says_what_builds_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        open_store(tmp_path / "nowhere")
