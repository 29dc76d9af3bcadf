"""Samples are read with their labels, or refused with the file and the number."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.store import Store
from ganflow.metrics.samples import read_samples

STORE = Store(Path(), {"shape": [4, 4, 1], "classes": ["cat", "dog"]})


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (6, 4, 4, 1), np.uint8)


def test_labels_are_read_where_there_are_some(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images())
    assert read_samples(tmp_path, STORE, 6)[1] is None
    labels = np.array([0, 1, 0, 1, 1, 0])
    np.save(tmp_path / "labels.npy", labels)
    found, asked = read_samples(tmp_path, STORE, 6)
    np.testing.assert_array_equal(found, images())
    assert asked is not None
    np.testing.assert_array_equal(asked, labels)


def test_labels_that_are_no_classes_are_counted(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images())
    np.save(tmp_path / "labels.npy", np.array([0, 1, 2, 1, -1, 0]))
    with pytest.raises(DataError, match=r"2 labels from -1 to 2(.|\n)*0 to 1"):
        read_samples(tmp_path, STORE, 6)


def test_there_is_one_label_a_sample(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images())
    np.save(tmp_path / "labels.npy", np.array([0, 1]))
    with pytest.raises(DataError, match=r"shape \(2,\) for 6 samples(.|\n)*shape \(6,\)"):
        read_samples(tmp_path, STORE, 6)


def test_the_first_ones_are_read_and_fewer_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images())
    np.testing.assert_array_equal(read_samples(tmp_path, STORE, 4)[0], images()[:4])
    with pytest.raises(DataError, match=r"6 samples(.|\n)*at least 7"):
        read_samples(tmp_path, STORE, 7)
