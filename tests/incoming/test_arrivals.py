"""What has arrived is read in the form of the prepared set, with its classes and its faults."""

from pathlib import Path

import numpy as np

from ganflow.base.store import Store
from ganflow.config.data import DataParams
from ganflow.incoming.arrivals import read_arrivals
from tests.incoming.sets import blobs, write_pictures

DATA = DataParams(source="blobs")


def test_pictures_have_the_form_of_the_set_and_the_class_of_their_folder(
    store: Store, tmp_path: Path
) -> None:
    large = blobs(3, 3, 5).repeat(2, axis=1).repeat(2, axis=2)
    write_pictures(tmp_path, {"left": blobs(4, 3, 4), "other": np.repeat(large, 3, axis=3)})
    found = read_arrivals(tmp_path, DATA, store.card)
    assert found.images.shape == (7, *store.shape)
    assert found.files == 7
    assert found.classes is not None
    assert sorted(found.classes.tolist()) == ["left"] * 4 + ["other"] * 3
    assert not found.rejected


def test_a_folder_that_all_are_in_is_a_class_and_pictures_outside_have_none(
    store: Store, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "one", {"left": blobs(3, 3, 4)})
    found = read_arrivals(tmp_path / "one", DATA, store.card)
    assert found.classes is not None
    assert set(found.classes.tolist()) == {"left"}
    write_pictures(tmp_path / "two", {"": blobs(3, 3, 4)})
    assert read_arrivals(tmp_path / "two", DATA, store.card).classes is None


def test_files_that_cannot_be_used_are_counted_with_their_reason(
    store: Store, tmp_path: Path
) -> None:
    write_pictures(tmp_path, {"": blobs(3, 3, 4)})
    (tmp_path / "cut.png").write_bytes((tmp_path / "000.png").read_bytes()[:60])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "README.md").write_text("no picture, and no fault")
    found = read_arrivals(tmp_path, DATA, store.card)
    assert (found.files, len(found.images)) == (5, 3)
    assert [(one.file, one.kind) for one in found.rejected] == [
        ("cut.png", "unreadable"),
        ("empty.png", "empty"),
    ]


def test_without_a_prepared_set_the_form_is_that_of_the_parameters(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"left": blobs(2, 3, 4), "right": blobs(2, 8, 4)})
    found = read_arrivals(tmp_path, DataParams(source="blobs", resolution=8, mode="RGB"))
    assert found.images.shape == (4, 8, 8, 3)


def test_nothing_that_can_be_read_is_no_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    found = read_arrivals(tmp_path, DATA, store.card)
    assert len(found.images) == 0
    assert "no picture" in found.rejected[0].reason


def test_the_digest_is_of_the_content(store: Store, tmp_path: Path) -> None:
    for name, seed in (("one", 4), ("two", 4), ("three", 6)):
        write_pictures(tmp_path / name, {"left": blobs(2, 3, seed)})
    digests = [
        read_arrivals(tmp_path / name, DATA, store.card).digest for name in ("one", "two", "three")
    ]
    assert digests[0] == digests[1] != digests[2]
