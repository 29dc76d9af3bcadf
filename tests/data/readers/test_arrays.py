"""Arrays: read as NumPy wrote them, never unpickled, and refused when a header lies."""

import contextlib
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.readers import arrays
from ganflow.data.readers.array_set import open_set
from ganflow.data.readers.formats import recognise

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (10, 8, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "images.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, IMAGES, version, allow_pickle=False)
    read = np.concatenate(list(arrays.read_rows(arrays.open_array(path), 3)))
    np.testing.assert_array_equal(read, IMAGES)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('unpickled')",)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_objects_are_refused_without_being_unpickled(tmp_path: Path, name: str) -> None:
    evil = np.array([Evil()], dtype=object)
    if name.endswith("npy"):
        np.save(tmp_path / name, evil, allow_pickle=True)
    else:
        np.savez(tmp_path / name, images=evil)
    with pytest.raises(DataError, match="objects"):
        open_set(recognise(tmp_path / name), DataParams())


def npy(header: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + content


def described(descr: str = "'|u1'", fortran: str = "False", shape: str = "(2, 4, 4)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}"


WORST = {
    "cut in the header": npy(described())[:20],
    "cut in the content": npy(described(), bytes(31)),
    "too long": npy(described(), bytes(33)),
    "a terabyte announced": npy(described(shape="(1000000, 1000, 1000)"), bytes(32)),
    "of 10^30 rows": npy(described(shape="(10**30,)"), bytes(32)),
    "of negative shape": npy(described(shape="(-2, -4, 4)"), bytes(32)),
    "without shape": npy("{'descr': '|u1'}", bytes(32)),
    "code for a header": npy("__import__('os').system('true')", bytes(32)),
    "a header of brackets": npy("(" * 9000, bytes(32)),
    "a long header": npy(described() + " " * 20_000, bytes(32)),
    "of records": npy(described("[('a', '|u1')]"), bytes(32)),
    "in Fortran order": npy(described(fortran="True"), bytes(32)),
    "of unknown type": npy(described("'nonsense'"), bytes(32)),
    "of true rows": npy(described(shape="(True, 4, 4)"), bytes(16)),
    "of version 9": b"\x93NUMPY\x09\0" + npy(described(), bytes(32))[8:],
}


@pytest.mark.parametrize("content", WORST.values(), ids=WORST.keys())
def test_damaged_arrays_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "worst.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"worst\.npy"):
        arrays.open_array(path)
    with zipfile.ZipFile(tmp_path / "worst.npz", "w") as archive:
        archive.writestr("images.npy", content)
    with pytest.raises(DataError, match=r"worst\.npz"):
        arrays.open_arrays(tmp_path / "worst.npz")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_damage_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    packed = data.draw(st.booleans())
    good = io.BytesIO()
    (np.savez if packed else np.save)(good, IMAGES[:2, :4, :4])  # type: ignore[operator]
    content = bytearray(good.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(160, len(content) - 1)))] = data.draw(
            st.integers(0, 255)
        )
    path = tmp_path / "fuzz"
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        for array in arrays.open_arrays(path) if packed else [arrays.open_array(path)]:
            rows = sum(len(block) for block in arrays.read_rows(array, 3))
            assert rows == array.shape[0]
