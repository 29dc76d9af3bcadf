"""The listing: every entry comes back, and names that deceive are recognised."""

from contextlib import closing
from pathlib import Path

import pytest

from ganflow.data.readers.listing import Entry, Listing, is_aside, name_digest, name_fault


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
    assert name_fault(name) is not None


@pytest.mark.parametrize("name", ["a/b.png", "..a", "a..b/c", "😀", "a:b", "العربية.png"])
def test_honest_names_have_none(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize("name", ["README", "a/LICENSE.txt", ".DS_Store", "x/.git/a.png", "a.dvc"])
def test_what_goes_with_pictures_is_set_aside(name: str) -> None:
    assert is_aside(name)
    assert not is_aside("labels.csv")
    assert not is_aside(f"{name.split('/')[0].strip('.')}s/1.png")


def test_a_name_is_the_same_however_it_is_composed() -> None:
    assert name_digest("é") == name_digest("e\u0301")
