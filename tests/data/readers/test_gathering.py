"""Gathering: every image is found in its row, under its own name, with its own label."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.readers import gathering
from ganflow.data.readers.formats import recognise
from ganflow.data.readers.gathering import gather
from ganflow.data.rejects import Rejects
from ganflow.data.splits import TEST, TRAIN


def rejects_of(path: Path) -> Rejects:
    return Rejects(path, 0.0)


@pytest.mark.parametrize("side", [8, 12])
def test_rows_names_and_labels_go_together(tmp_path: Path, side: int) -> None:
    path = tmp_path / "set.npz"
    levels = np.arange(200, dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None], (200, 8, 8))
    np.savez(
        path,
        x_train=images[:150],
        y_train=levels[:150] % 3,
        x_test=images[150:],
        y_test=levels[150:] % 3,
    )
    data = DataParams(source="set", resolution=side)
    with gather(recognise(path), data, tmp_path, rejects_of(path), workers=0) as gathered:
        rows = np.fromfile(gathered.rows, np.uint8).reshape(200, side * side)
        assert gathered.findings["usable"].all()
        for row in range(200):
            array, place = gathered.name(row).rstrip("]").split("[")
            level = int(place) + (150 if array == "x_test" else 0)
            assert (rows[row] == level).all()
            assert gathered.classes[gathered.labels[row]] == str(level % 3)
            assert gathered.official[row] == (TEST if array == "x_test" else TRAIN)


def test_an_array_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.npy"
    np.save(path, np.arange(6400, dtype=np.uint8).reshape(100, 8, 8))
    honest = gathering.sha256_of

    def meddling(file: Path) -> str:
        path.touch()
        return honest(file)

    monkeypatch.setattr(gathering, "sha256_of", meddling)
    with (
        pytest.raises(DataError, match="written to while it was read"),
        gather(recognise(path), DataParams(source="set"), tmp_path, rejects_of(path), workers=0),
    ):
        pass


def test_colours_are_looked_for_in_the_range_that_was_found(tmp_path: Path) -> None:
    """Read as 16 bits, the colours of 12 bits would differ too little to be seen."""
    path = tmp_path / "set.npz"
    levels = np.random.default_rng(0).integers(0, 4096, (60, 8, 8), dtype=np.uint16)
    images = np.stack([levels, (levels + 1000).clip(max=4095), levels], axis=-1)
    np.savez(path, images=images)
    with gather(
        recognise(path), DataParams(source="set"), tmp_path, rejects_of(path), workers=0
    ) as gathered:
        assert gathered.ranges == {"uint16": (0, 4095)}
        assert gathered.form.mode == "RGB"
        rows = np.fromfile(gathered.rows, np.uint8).reshape(images.shape)
        np.testing.assert_array_equal(rows, np.rint(images * (255 / 4095)))
