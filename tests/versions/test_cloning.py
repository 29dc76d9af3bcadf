"""A worker's clone: made once, whole, brought up to date, and nobody else's folder."""

import subprocess
import threading
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.versions.cloning import whole_clone


def git(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # which the step changes
    folder = tmp_path / "origin"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=trunk", cwd=folder)
    for number in range(3):
        (folder / "text").write_text(str(number))
        git("add", "text", cwd=folder)
        git("commit", "--quiet", f"--message={number}", cwd=folder)
    return folder


def test_it_is_made_whole_and_then_brought_up_to_date(origin: Path, tmp_path: Path) -> None:
    clone = tmp_path / "work" / "clone"
    assert whole_clone(f"file://{origin}", str(clone)) == {"directory": str(clone)}
    assert Path.cwd() == clone
    assert git("rev-parse", "--is-shallow-repository", cwd=clone) == "false"
    assert git("rev-list", "--count", "HEAD", cwd=clone) == "3"
    (clone / "cache").write_text("kept")
    (clone / "text").write_text("dropped")
    (origin / "text").write_text("new")
    git("commit", "--quiet", "--all", "--message=new", cwd=origin)
    whole_clone(f"file://{origin}", str(clone))
    assert (clone / "text").read_text() == "new"
    assert (clone / "cache").read_text() == "kept"


def test_runs_that_start_together_make_one_clone(origin: Path, tmp_path: Path) -> None:
    clone, failed = tmp_path / "clone", []

    def one() -> None:
        try:
            whole_clone(str(origin), str(clone))
        except GanflowError as error:
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert (clone / "text").read_text() == "2"


def test_another_folder_is_left_alone(origin: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "text").write_text("mine")
    with pytest.raises(GanflowError):
        whole_clone(str(origin), str(mine))
    assert (mine / "text").read_text() == "mine"
    (origin / "part").mkdir()
    with pytest.raises(GanflowError, match="not the top of a clone"):
        whole_clone(str(origin), str(origin / "part"))


def test_a_password_in_the_address_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(GanflowError) as caught:
        whole_clone("https://team:tell-nobody@127.0.0.1:9/x.git", str(tmp_path / "clone"))
    assert "tell-nobody" not in str(caught.value)
    assert not (tmp_path / "clone").exists()


def test_an_address_is_no_option(tmp_path: Path) -> None:
    with pytest.raises(GanflowError):
        whole_clone("--upload-pack=touch evil", str(tmp_path / "clone"))
    assert not (tmp_path / "evil").exists()
