"""idx files: MNIST is read whole, and whatever is not whole is refused by name."""

import contextlib
import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.readers import idx
from ganflow.data.readers.array_set import open_set
from ganflow.data.readers.arrays import read_rows
from ganflow.data.readers.formats import recognise
from ganflow.data.splits import TEST, UNDECIDED

MNIST = Path(__file__).parents[3] / "data" / "raw" / "mnist"


def idx_bytes(array: np.ndarray, kind: int = 8) -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes((0, 0, kind, array.ndim)) + sizes + array.tobytes()


def write_set(folder: Path, train: int = 20, test: int = 10, side: int = 8) -> list[Path]:
    rng = np.random.default_rng(0)
    for name, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, side, side), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    return sorted(folder.iterdir())


def read_images(path: Path, rows: int) -> np.ndarray:
    return np.concatenate(list(read_rows(idx.open_array(path, (3, 4)), rows)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(7, 9, 10), (7, 9, 10, 3)])
def test_what_was_written_is_read(tmp_path: Path, pack: object, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "images"
    path.write_bytes(pack(idx_bytes(images)))  # type: ignore[operator]
    np.testing.assert_array_equal(read_images(path, 3), images)


def test_mnist_has_the_counts_its_authors_give() -> None:
    found = open_set(recognise(MNIST), DataParams())
    assert [(part.split, part.count, part.shape) for part in found.parts] == [
        (UNDECIDED, 60_000, (28, 28, 1)),
        (TEST, 10_000, (28, 28, 1)),
    ]
    assert found.classes == list("0123456789")
    assert found.parts[1].labels is not None
    np.testing.assert_array_equal(found.parts[1].labels[:5], [7, 2, 1, 0, 4])


@pytest.mark.parametrize("missing", ["images", "labels"])
@pytest.mark.parametrize("split", ["train", "t10k"])
def test_a_missing_file_is_named(tmp_path: Path, split: str, missing: str) -> None:
    write_set(tmp_path)
    next(tmp_path.glob(f"{split}-{missing}*")).unlink()
    other = "labels" if missing == "images" else "images"
    with pytest.raises(DataError, match=f"`{split}-{other}-.*` has no {missing}"):
        open_set(recognise(tmp_path), DataParams())


def test_a_role_given_twice_is_named(tmp_path: Path) -> None:
    for path in write_set(tmp_path):
        path.with_name(f"more-{path.name}").write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"`more-t10k-\S+` and `t10k-\S+` may both be the images"):
        open_set(recognise(tmp_path), DataParams())


def test_a_name_without_a_role_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path)[0].rename(tmp_path / "images-ubyte")
    with pytest.raises(DataError, match="`images-ubyte` does not say"):
        open_set(recognise(tmp_path), DataParams())


def test_images_in_the_place_of_labels_are_named(tmp_path: Path) -> None:
    write_set(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.write_bytes((tmp_path / "train-images-idx3-ubyte").read_bytes())
    with pytest.raises(DataError, match=r"(?s)images: a swapped file.*train-labels.*0x00000801"):
        open_set(recognise(tmp_path), DataParams())


def test_labels_of_the_other_split_are_found_by_their_number(tmp_path: Path) -> None:
    write_set(tmp_path)
    one, other = tmp_path / "train-labels-idx1-ubyte.gz", tmp_path / "t10k-labels-idx1-ubyte.gz"
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])
    with pytest.raises(DataError, match=r"20 images in .*, 10 labels"):
        open_set(recognise(tmp_path), DataParams())


HEADER = struct.pack(">4B3I", 0, 0, 8, 3, 2, 4, 4)
WORST = {
    "empty": b"",
    "cut in its magic number": HEADER[:3],
    "cut in its sizes": HEADER[:9],
    "cut in its images": HEADER + bytes(31),
    "too long": HEADER + bytes(33),
    "cut gzip": gzip.compress(HEADER + bytes(32))[:-9],
    "gzip with a wrong checksum": gzip.compress(HEADER + bytes(32))[:-8] + bytes(8),
    "of floats": struct.pack(">4B3I", 0, 0, 13, 3, 2, 4, 4) + bytes(128),
    "without images": struct.pack(">4B3I", 0, 0, 8, 3, 0, 4, 4),
    "of four thousand million": struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 4, 4) + bytes(32),
    "of four billion pixels": struct.pack(">4B3I", 0, 0, 8, 3, 1, 65_536, 65_536),
    "a terabyte announced": struct.pack(">4B3I", 0, 0, 8, 3, 10**8, 100, 100) + bytes(32),
}


@pytest.mark.parametrize("content", WORST.values(), ids=WORST.keys())
def test_damaged_images_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match="images-idx3-ubyte"):
        read_images(path, 100)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=64),
    st.sampled_from([b"", HEADER[:4], HEADER, b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"]),
    st.booleans(),
)
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, tail: bytes, start: bytes, packed: bool
) -> None:
    path = tmp_path / "fuzz"
    path.write_bytes(gzip.compress(start + tail) if packed else start + tail)
    with contextlib.suppress(DataError):
        assert len(read_images(path, 5)) >= 1
