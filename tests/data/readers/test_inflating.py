"""Compressed files: whatever tool wrote them, and never more than is plausible."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from ganflow.base.errors import DataError
from ganflow.data.readers.inflating import open_inflating, read_exactly

CONTENT = bytes(range(256)) * 1000


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_what_was_packed_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "file"
    path.write_bytes(pack(CONTENT))
    with open_inflating(path) as stream:
        assert read_exactly(stream, len(CONTENT), path, "its end") == CONTENT
        assert not stream.read(1)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_cut_file_is_named(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "file"
    packed = pack(CONTENT)
    path.write_bytes(packed[: len(packed) // 2])
    with (
        pytest.raises(DataError, match=r"(?s)cut off.*file"),
        open_inflating(path) as stream,
    ):
        read_exactly(stream, len(CONTENT), path, "its end")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_expands_without_end_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr("ganflow.data.readers.inflating.FREE_INFLATION", 10_000)
    monkeypatch.setattr("ganflow.data.readers.inflating.MAX_INFLATION", 10)
    path = tmp_path / "file"
    path.write_bytes(pack(bytes(10**7)))
    with pytest.raises(DataError, match="bomb"), open_inflating(path) as stream:
        read_exactly(stream, 10**7, path, "its end")


def test_an_xz_that_asks_for_gigabytes_of_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.xz"
    greedy = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**28}]
    path.write_bytes(lzma.compress(bytes(2**20), filters=greedy))
    with pytest.raises(DataError, match=r"[Mm]emory"), open_inflating(path) as stream:
        stream.read(100)
