"""Zip archives: what Python's own zipfile writes is read, and what deceives is refused."""

import contextlib
import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganflow.base.errors import DataError
from ganflow.data.readers.zipped import members, read_member

CONTENT = {"a.png": b"first", "b/c.png": b"second " * 5000, "b/ä😀.png": b""}


def a_zip(path: Path, content: dict[str, bytes] = CONTENT, **options: int) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:  # type: ignore[call-overload]
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def read_all(path: Path) -> dict[str, bytes]:
    with path.open("rb") as file:
        return {m.entry.name: read_member(file, m.entry) for m in members(path) if not m.fault}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_zipfile_writes_is_read(tmp_path: Path, compression: int) -> None:
    assert read_all(a_zip(tmp_path / "a.zip", compression=compression)) == CONTENT


def test_64_bit_sizes_and_streamed_members_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"content")
    assert read_all(path) == {"a": b"content"}


def test_a_64_bit_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path = a_zip(tmp_path / "a.zip")
    assert b"PK\x06\x06" in path.read_bytes()
    assert read_all(path) == CONTENT


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(stat.S_IFLNK, "link"), (stat.S_IFCHR, "special"), (stat.S_IFIFO, "special")],
)
def test_links_and_devices_are_never_members(tmp_path: Path, mode: int, kind: str) -> None:
    info = zipfile.ZipInfo("x.png")
    info.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    (member,) = members(tmp_path / "a.zip")
    assert member.fault is not None
    assert member.fault[0] == kind


def test_a_member_that_inflates_beyond_its_size_is_refused(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "a.zip", {"a": bytes(10**6)}, compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes().replace(struct.pack("<I", 10**6), struct.pack("<I", 1000))
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not what the archive's directory announces"):
        read_all(path)


def test_a_member_that_is_shorter_than_its_size_is_refused(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "a.zip", {"a": bytes(1000)}, compression=zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 1000), struct.pack("<I", 2000)))
    with pytest.raises(ValueError, match="not what the archive's directory announces"):
        read_all(path)


def test_a_directory_of_ten_million_members_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    end = path.open("wb")
    end.truncate(46 * 10**7)  # a hole: no such file is ever written
    end.seek(0, os.SEEK_END)
    end.write(
        struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**7, 10**7, 46 * 10**7, 0)
    )
    end.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, 46 * 10**7, 1))
    end.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0))
    end.close()
    with pytest.raises(DataError, match="10000000 members"):
        next(members(path))


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    """Fifield's bomb (2019): many directory entries share one compressed member."""
    path = a_zip(tmp_path / "a.zip", {"a": os.urandom(10_000)})
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start:end]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 50, 50, 50 * len(entry), start, 0)
    path.write_bytes(content[:start] + 50 * entry + tail)
    with pytest.raises(DataError, match="overlap"):
        list(members(path))


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cut off"):
        list(members(path))


def test_an_encrypted_member_is_left_out(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "a.zip", {"a": b"x"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert [m.fault for m in members(path)] == [("unreadable", "it is encrypted")]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_damage_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    good = io.BytesIO()
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"content " * 20)
        archive.writestr("b.png", b"other")
    content = bytearray(good.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzz.zip"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(DataError, ValueError):
        found = [(m.entry, m.fault) for m in members(path)]
        assert len(found) <= 2
        with path.open("rb") as file:
            for entry, fault in found:
                if not fault and entry.size < 10**6:
                    assert len(read_member(file, entry)) == entry.size
