"""Where what is no result is kept."""

from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.base.paths import state_folder


def test_it_is_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANFLOW_STATE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert state_folder() == tmp_path / ".ganflow"
    assert (tmp_path / ".ganflow").is_dir()


@pytest.mark.parametrize("given", ["elsewhere", "{tmp_path}/a/b"])
def test_the_environment_decides(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANFLOW_STATE", given.format(tmp_path=tmp_path))
    folder = state_folder()
    assert folder.is_absolute()
    assert folder.is_dir()
    assert folder == (tmp_path / given.format(tmp_path=tmp_path)).resolve()


def test_an_empty_setting_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANFLOW_STATE", "")
    assert state_folder() == tmp_path / ".ganflow"


def test_git_and_dvc_leave_it_alone() -> None:
    root = Path(__file__).parents[2]
    assert ".ganflow/" in (root / ".gitignore").read_text().split()
    assert ".ganflow" in (root / ".dvcignore").read_text().split()


def test_a_state_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / "file/state"))
    with pytest.raises(GanflowError, match="state folder") as caught:
        state_folder()
    assert caught.value.where == str(tmp_path / "file/state")
    assert "GANFLOW_STATE" in str(caught.value)
