"""New and changed files of a folder are counted; removed and hidden ones are not."""

import os
from pathlib import Path

import pytest

from ganflow.orchestration.watched_folder import (
    count_new_files,
    file_states,
    load_states,
    save_states,
)


def test_new_and_changed_files_count(tmp_path: Path) -> None:
    for name in ("kept.png", "changed.png", "removed.png", ".hidden"):
        (tmp_path / name).write_bytes(b"one")
    before = file_states(tmp_path)
    assert set(before) == {"kept.png", "changed.png", "removed.png"}
    (tmp_path / "removed.png").unlink()
    os.utime(tmp_path / "changed.png", ns=(0, 0))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/new.png").write_bytes(b"two")
    assert count_new_files(before, file_states(tmp_path)) == 2


def test_states_are_kept_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / "state"))
    assert load_states(tmp_path) is None
    save_states(tmp_path, {"a.png": "1 2"})
    assert load_states(tmp_path) == {"a.png": "1 2"}
    assert load_states(tmp_path / "other") is None
    assert file_states(tmp_path / "other") == {}
