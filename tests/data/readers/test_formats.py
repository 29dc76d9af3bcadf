"""What a source is, is found by its content, whatever it is called."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganflow.base.errors import DataError
from ganflow.data.readers.formats import kind_of, recognise

IDX = bytes((0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 4)) + bytes(16)


def npy(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.zeros((2, 8, 8), np.uint8))


def npz(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, images=np.zeros((2, 8, 8), np.uint8))


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"x")


def a_tar(path: Path, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo("a.png"), io.BytesIO())


MAKERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "idx": (lambda path: path.write_bytes(IDX), "idx"),
    "gzipped idx": (lambda path: path.write_bytes(gzip.compress(IDX)), "idx"),
    "npy": (npy, "npy"),
    "npz": (npz, "npz"),
    "zip": (a_zip, "zip"),
    "tar": (a_tar, "tar"),
    "gzipped tar": (lambda path: a_tar(path, "w:gz"), "tar"),
    "bzipped tar": (lambda path: a_tar(path, "w:bz2"), "tar"),
    "xz tar": (lambda path: a_tar(path, "w:xz"), "tar"),
}


@pytest.mark.parametrize(("make", "kind"), MAKERS.values(), ids=MAKERS.keys())
def test_a_misleading_name_misleads_nobody(
    tmp_path: Path, make: Callable[[Path], object], kind: str
) -> None:
    for name in ("plain", "photo.jpg", "archive.zip", "set.npz"):
        make(tmp_path / name)
        assert recognise(tmp_path / name).kind == kind


@pytest.mark.parametrize(("make", "kind"), MAKERS.values(), ids=MAKERS.keys())
def test_the_only_file_of_a_folder_is_the_source(
    tmp_path: Path, make: Callable[[Path], object], kind: str
) -> None:
    make(tmp_path / "train-images")
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "train-images.dvc").write_text("outs: []")
    assert recognise(tmp_path).kind == kind


def test_a_folder_of_pictures_is_one_even_with_an_archive_in_it(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    a_zip(tmp_path / "more.zip")
    assert recognise(tmp_path).kind == "folder"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing that can be read"),
        (b"text", "nothing that can be read"),
        (b"\x89PNG\r\n\x1a\n", "one picture: nothing"),
        (bytes(2000), "nothing that can be read"),
        (b"PK\x03\x04", "zip archive: nothing"),
        (b"Rar!\x1a\x07", "RAR archive: nothing"),
        (b"\x89HDF\r\n\x1a\n", "HDF5: nothing"),
        (b"PAR1", "Parquet: nothing"),
    ],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=message):
        recognise(tmp_path / "file")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=600), st.sampled_from([b"", b"PK\x05\x06", b"\x1f\x8b\x08\0", b"BZh9"]))
def test_any_bytes_have_a_kind_or_none(tmp_path: Path, content: bytes, start: bytes) -> None:
    (tmp_path / "fuzz").write_bytes(start + content)
    assert kind_of(tmp_path / "fuzz") in (None, "idx", "npy", "npz", "zip", "tar")
