"""What a set of pictures is like as a whole: what it lists, and what `auto` makes of it."""

import io
import lzma
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from ganflow.base.errors import DataError
from ganflow.data.readers import picture_set
from ganflow.data.readers.formats import Source
from ganflow.data.readers.picture_set import list_pictures, suitable_size
from ganflow.data.rejects import Reject


def a_tar(path: Path) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name in ("a.png", "../b.png", "README", "c.png"):
            info = tarfile.TarInfo(name)
            info.size = 4
            archive.addfile(info, io.BytesIO(b"1234"))
    return path


def test_a_compressed_tar_is_listed_and_can_be_read_anywhere(tmp_path: Path) -> None:
    path = a_tar(tmp_path / "a")
    rejects: list[Reject] = []
    with closing(list_pictures(Source("tar", path, [path]), tmp_path, rejects.append)) as listing:
        content = listing.root.read_bytes()
        entries = [listing[place] for place in range(len(listing))]
    assert [entry.name for entry in entries] == ["a.png", "c.png"]
    assert all(content[e.offset : e.offset + e.size] == b"1234" for e in entries)
    assert [(row.file, row.kind) for row in rejects] == [("../b.png", "name"), ("README", "aside")]


def test_what_systems_leave_in_an_archive_is_no_fault(tmp_path: Path) -> None:
    """An icon's name ends in a line break, and a trash folder may hold links."""
    path = tmp_path / "a"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("a.png", tarfile.REGTYPE),
            ("Icon\r", tarfile.REGTYPE),
            (".Trash/link", tarfile.SYMTYPE),
            ("../.hidden", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type = kind
            archive.addfile(info)
    rejects: list[Reject] = []
    with closing(list_pictures(Source("tar", path, [path]), tmp_path, rejects.append)) as listing:
        assert list(listing.names()) == ["a.png"]
    assert {row.kind for row in rejects} == {"aside"}
    assert len(rejects) == 3


def test_messages_name_the_archive_and_not_its_inflated_copy(tmp_path: Path) -> None:
    path = a_tar(tmp_path / "a")
    path.write_bytes(lzma.compress(lzma.decompress(path.read_bytes())[:700]))
    with pytest.raises(DataError) as caught:
        list_pictures(Source("tar", path, [path]), tmp_path, lambda reject: None)
    assert "cut off" in str(caught.value)
    assert caught.value.where == str(path)


def test_more_files_than_allowed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_set, "MAX_FILES", 3)
    path = a_tar(tmp_path / "a")
    with pytest.raises(DataError, match="too many files"):
        list_pictures(Source("tar", path, [path]), tmp_path, lambda reject: None)


@pytest.mark.parametrize(
    ("sizes", "suitable"),
    [
        ([(28, 28)] * 3, (28, 28)),
        ([(128, 128)], (128, 128)),
        ([(24, 40)] * 3, (24, 40)),
        ([(24, 40), (40, 24)], (32, 32)),
        ([(129, 129)] * 3, (64, 64)),
        ([(7, 7)] * 3, (32, 32)),
        ([(7, 40)] * 3, (32, 32)),
        ([(218, 178)] * 3, (64, 64)),
        ([(40, 50), (60, 40), (500, 500)], (32, 32)),
        ([], (32, 32)),
    ],
)
def test_the_automatic_size(sizes: list[tuple[int, int]], suitable: tuple[int, int]) -> None:
    assert suitable_size(sizes) == suitable
