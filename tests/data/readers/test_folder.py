"""Folders: regular files only, whatever their names, and links only into DVC's cache."""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ganflow.base.errors import DataError
from ganflow.data.readers.folder import FileChangedError, read_ahead, read_file
from ganflow.data.readers.formats import Source
from ganflow.data.readers.picture_set import list_pictures
from ganflow.data.rejects import Reject


def listed(root: Path, scratch: Path) -> tuple[set[str], dict[str, str]]:
    rejects: list[Reject] = []
    scratch.mkdir()
    with closing(list_pictures(Source("folder", root, []), scratch, rejects.append)) as listing:
        return set(listing.names()), {r.file: r.kind for r in rejects}


@pytest.mark.parametrize(
    "make",
    [
        lambda root: os.mkfifo(root / "a" / "pipe.png"),
        lambda root: socket.socket(socket.AF_UNIX).bind(os.path.relpath(root / "a" / "socket")),
        lambda root: (root / "a" / "lost.png").symlink_to("nowhere"),
        lambda root: Path(os.fsdecode(os.fsencode(root) + b"/a/bad\xff.png")).touch(),
        lambda root: (root / ".hidden").mkdir() or os.mkfifo(root / ".hidden" / "pipe"),
    ],
    ids=["pipe", "socket", "dangling link", "name", "hidden"],
)
def test_what_dvc_cannot_hash_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    (tmp_path / "root" / "a").mkdir(parents=True)
    make(tmp_path / "root")
    with pytest.raises(DataError, match="DVC could not hash"):
        listed(tmp_path / "root", tmp_path / "scratch")


def test_links_and_control_characters_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "é😀 日本").mkdir(parents=True)
    (root / "é😀 日本" / "1.png").touch()
    (root / "loop").symlink_to(root)
    (root / "passwd.png").symlink_to("/etc/passwd")
    (root / "two\nlines.png").touch()
    (root / ".gitignore").touch()
    names, rejects = listed(root, tmp_path / "scratch")
    assert names == {"é😀 日本/1.png"}
    assert rejects == {
        "loop": "link",
        "passwd.png": "link",
        "two\nlines.png": "name",
        ".gitignore": "aside",
    }


def test_a_link_into_dvc_s_cache_is_a_file(tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "files" / "md5" / "ab" / ("0" * 30)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"content")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "1.png").symlink_to(cached)
    assert listed(tmp_path / "root", tmp_path / "scratch") == ({"1.png"}, {})
    assert read_file(tmp_path / "root" / "1.png") == b"content"


def test_a_file_larger_than_allowed_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as stream:
        stream.truncate(10**12)  # a hole
    with pytest.raises(ValueError, match="1000000000000 bytes"):
        read_file(path)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="not a regular file"):
        read_file(tmp_path / "pipe")


def test_a_file_that_shrinks_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    honest, seen = os.fstat, []

    def shrinking(descriptor: int) -> os.stat_result:
        status = honest(descriptor)
        if not seen:
            seen.append(status)
            path.write_bytes(bytes(10))
        return status

    monkeypatch.setattr(os, "fstat", shrinking)
    with pytest.raises(FileChangedError):
        read_file(path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that the system is asked to fetch."""
    files: list[str] = []

    def advise(descriptor: int, start: int, length: int, advice: int) -> None:
        assert (start, advice) == (0, os.POSIX_FADV_WILLNEED)
        files.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    monkeypatch.setattr(os, "posix_fadvise", advise, raising=False)
    return files


def test_files_are_fetched_ahead_and_what_is_none_is_passed_over(
    tmp_path: Path, asked: list[str]
) -> None:
    files = [str(tmp_path / f"{number}.png") for number in range(3)]
    for file in files:
        Path(file).write_bytes(b"x")
    gone = str(tmp_path / "gone.png")
    read_ahead([gone, *files, gone])
    assert asked == (files if sys.platform == "linux" else [])
    read_ahead([])


def test_what_is_in_memory_is_not_asked_for(tmp_path: Path, asked: list[str]) -> None:
    names = [str(tmp_path / name) for name in ("gone.png", "1.png")]
    Path(names[1]).write_bytes(b"x")
    read_ahead(names)
    assert not asked
