"""Tar archives: what Python's own tarfile writes is read, and what deceives is refused."""

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganflow.base.errors import DataError
from ganflow.data.readers.listing import Member
from ganflow.data.readers.tarred import is_tar, members

LONG = "folder/" * 40 + "ä😀.png"
CONTENT = {"a.png": b"first", LONG: b"second " * 5000, "b/empty.png": b""}


def a_tar(path: Path, layout: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=layout) as archive:
        folder = tarfile.TarInfo("b")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in CONTENT.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def read_all(path: Path) -> list[tuple[Member, bytes]]:
    content = path.read_bytes()
    found = []
    for member in members(path):
        entry = member.entry
        found.append((member, content[entry.offset : entry.offset + entry.size]))
    return found


@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_what_tarfile_writes_is_read(tmp_path: Path, layout: int) -> None:
    found = read_all(a_tar(tmp_path / "a.tar", layout))
    assert {member.entry.name: content for member, content in found} == CONTENT


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "special"),
        (tarfile.BLKTYPE, "special"),
        (tarfile.FIFOTYPE, "special"),
        (tarfile.GNUTYPE_SPARSE, "special"),
    ],
)
def test_links_and_devices_are_never_members(tmp_path: Path, kind: bytes, fault: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("x.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    ((member, _),) = read_all(tmp_path / "a.tar")
    assert member.fault is not None
    assert member.fault[0] == fault


def header(name: bytes, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name.decode())
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_an_extended_header_of_gigabytes_is_not_read(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"x", 2**33, kind) + bytes(10**5))
    with pytest.raises(DataError, match="extended header of 8589934592 bytes"):
        read_all(path)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_headers_that_announce_headers_without_end_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes((header(b"x", 512, kind) + b"12 path=a/b\n".ljust(512, b"\0")) * 10_000)
    with pytest.raises(DataError, match="a damaged tar"):
        read_all(path)


def test_global_headers_do_not_add_up(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    value = b"x" * 60_000
    record = b"%d k%05d=%s\n"
    with path.open("wb") as stream:
        for number in range(20):
            content = record % (len(value) + 14, number, value)
            stream.write(header(b"g", len(content), b"g") + content.ljust(60_416, b"\0"))
            stream.write(header(b"a.png", 0, b"0"))
        stream.write(bytes(1024))
    assert [member.entry.name for member, _ in read_all(path)] == ["a.png"] * 20


def test_a_size_beyond_the_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"x.png", 2**40, b"0") + bytes(1024))
    with pytest.raises(DataError, match="cut off"):
        list(members(path))


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    path = a_tar(tmp_path / "a.tar")
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match="cut off"):
        read_all(path)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_damage_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    good = io.BytesIO()
    with tarfile.open(fileobj=good, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a.png", LONG):
            archive.addfile(tarfile.TarInfo(name))
    content = bytearray(good.getvalue())[: 512 * 6]
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
        start = place // 512 * 512
        if data.draw(st.booleans()):  # with a checksum that holds
            block = content[start : start + 512]
            total = sum(block) - sum(block[148:156]) + 8 * 32
            content[start + 148 : start + 156] = b"%06o\0 " % total
    path = tmp_path / "fuzz.tar"
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert len(read_all(path)) <= 6


def test_nothing_else_is_taken_for_a_tar() -> None:
    assert not is_tar(bytes(512))
    assert not is_tar(b"\x89PNG" + bytes(508))
    assert is_tar(header(b"a", 0, b"0"))
