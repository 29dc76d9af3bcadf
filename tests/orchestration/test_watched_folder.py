"""New and changed files of a folder are found; removed and hidden ones are not."""

import json
import os
from pathlib import Path

import pytest

from ganflow.orchestration.watched_folder import (
    Watched,
    copy_files,
    digest,
    file_states,
    load_watched,
    new_files,
    newest,
    save_watched,
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / "state"))


def test_new_and_changed_files_count(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("kept.png", "changed.png", "removed.png", ".hidden"):
        (folder / name).write_bytes(b"one")
    before = file_states(folder)
    assert set(before) == {"kept.png", "changed.png", "removed.png"}
    (folder / "removed.png").unlink()
    os.utime(folder / "changed.png", ns=(0, 0))
    (folder / "sub").mkdir()
    (folder / "sub/new.png").write_bytes(b"two")
    found = new_files(before, file_states(folder))
    assert set(found) == {"changed.png", "sub/new.png"}
    assert newest(found, 1) == ["sub/new.png"]
    assert newest(found, 5) == ["changed.png", "sub/new.png"]


def test_what_is_remembered_is_kept_by_folder(tmp_path: Path) -> None:
    assert load_watched(tmp_path) is None
    watched = Watched({"a.png": "1 2"}, 3.0, 4.0, "seen")
    save_watched(tmp_path, watched)
    assert load_watched(tmp_path) == watched
    assert load_watched(tmp_path / "other") is None
    assert file_states(tmp_path / "other") == {}


def test_what_an_older_version_remembered_counts_from_then(tmp_path: Path) -> None:
    save_watched(tmp_path, Watched({}, 0.0, 0.0))
    (file,) = (tmp_path / "state/watch").iterdir()
    file.write_text(json.dumps({"a.png": "1 2", "files": "3 4"}))
    os.utime(file, (1000, 1000))
    assert load_watched(tmp_path) == Watched({"a.png": "1 2", "files": "3 4"}, 1000, 1000)


def test_a_digest_changes_with_any_file() -> None:
    files = {"a.png": "1 2", "b.png": "1 2"}
    assert digest(files) == digest(dict(reversed(files.items())))
    assert len({digest(files), digest({**files, "b.png": "1 3"}), digest({"a.png": "1 2"})}) == 3


def test_files_are_copied_with_their_folders_and_missing_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "from/cat").mkdir(parents=True)
    (tmp_path / "from/cat/1.png").write_bytes(b"one")
    copy_files(tmp_path / "from", ["cat/1.png", "gone.png"], tmp_path / "to")
    assert (tmp_path / "to/cat/1.png").read_bytes() == b"one"
    assert not (tmp_path / "to/gone.png").exists()
