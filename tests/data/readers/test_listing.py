"""The listing: every entry comes back, and names that deceive are recognised."""

from contextlib import closing
from pathlib import Path

import pytest

from ganflow.data.readers.listing import (
    Entry,
    Listing,
    is_companion,
    is_leftover,
    name_digest,
    name_fault,
    normalised,
)


def test_a_listing_gives_back_every_entry(tmp_path: Path) -> None:
    entries = [Entry(f"é{i}", i % 4, i, 2**40 + i, i, 2**32 - 1 - i) for i in range(50)]
    with closing(Listing(tmp_path / "scratch", tmp_path)) as listing:
        for entry in entries:
            listing.append(entry)
        assert [listing[i] for i in range(len(listing))] == entries
        assert list(listing.names()) == [entry.name for entry in entries]
        assert [listing[i] for i in (49, 0, 7)] == [entries[i] for i in (49, 0, 7)]


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/a", "C:\\a", "\\\\host\\a", "a\0b", "a\x1bb", "x" * 1001]
)
def test_names_that_deceive_have_a_fault(name: str) -> None:
    assert name_fault(normalised(name)) is not None


@pytest.mark.parametrize("name", ["a/b.png", "..a", "a..b/c", "😀", "a:b", "العربية.png"])
def test_honest_names_have_none(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize("name", ["README", "a/LICENSE.txt", "a.dvc", "a/labels.json", "b.csv"])
def test_what_may_accompany_pictures(name: str) -> None:
    assert is_companion(name)
    assert not is_companion("labels.csv")
    assert not is_companion(f"{name.lower()}/1.png")


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "x/.git/a.png", "__MACOSX/a/._1.png", "a/@eaDir/1.png/SYNOPHOTO_THUMB.jpg"),
        *("a/Thumbs.db", "desktop.ini", "$RECYCLE.BIN/1.png", "lost+found/1.png", "#recycle/1.png"),
        *("System Volume Information/x", ".ipynb_checkpoints/1.png", ".Trash-1000/files/1.png"),
    ],
)
def test_what_systems_leave_behind(name: str) -> None:
    assert is_leftover(name)
    assert not is_leftover("a/eaDir/thumbs/1.png")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        *(("./a/1.png", "a/1.png"), ("a\\b\\1.png", "a/b/1.png"), ("a//b/./1.png", "a/b/1.png")),
        *(
            ("e\u0301/1.png", "é/1.png"),
            ("a/", "a/"),
            ("./", ""),
            ("/a", "/a"),
            ("a.PNG", "a.PNG"),
        ),
    ],
)
def test_an_archive_s_names_are_normalised(name: str, plain: str) -> None:
    assert normalised(name) == plain


def test_a_name_is_the_same_however_it_is_composed() -> None:
    assert name_digest("é") == name_digest("e\u0301")
