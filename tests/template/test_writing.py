"""`ganflow init`: a project of one's own."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from ganflow.base.errors import GanflowError
from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.stages import lock
from ganflow.template.writing import init
from ganflow.versions import dvc
from ganflow.versions.commands import CommandResult


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(60):
        path = tmp_path / "my pictures" / ("cat" if number % 2 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
    return tmp_path / "my pictures"


def git(*words: str, cwd: Path) -> str:
    return subprocess.run(
        ["git", *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


def test_a_project_of_pictures(tmp_path: Path, pictures: Path) -> None:
    folder = tmp_path / "pets"
    init(folder, pictures, "article", with_git=True)
    assert git("status", "--porcelain", cwd=folder) == ""
    assert len(git("log", "--oneline", cwd=folder).splitlines()) == 1
    params = parameters.load(folder / "params.yaml")
    assert params.data.source == "my-pictures"
    assert params.model.architecture == "article"
    assert (folder / RAW / "my-pictures.dvc").is_file()
    assert len(list((folder / RAW / "my-pictures").rglob("*.png"))) == 60
    lock.check_lock(folder)
    assert set(lock.stages_in(folder)) < set(lock.recorded(folder))
    assert sum(len(p.read_text().splitlines()) for p in (folder / "flows").iterdir()) <= 60
    pool = yaml.safe_load((folder / "prefect.yaml").read_text())["definitions"]["pool"]["name"]
    assert pool == "pets"
    assert list(tmp_path.glob(".ganflow-*")) == []


def test_a_project_without_data_says_where_they_go(tmp_path: Path) -> None:
    said = init(tmp_path / "new", None, None, with_git=False)
    assert any("copy your images to" in line for line in said)
    assert not (tmp_path / "new/.git").exists()


def test_an_existing_repository_keeps_its_files(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    (tmp_path / ".gitignore").write_text("mine/\n")
    (tmp_path / "README.md").write_text("mine\n")
    said = init(tmp_path, None, None, with_git=True)
    assert "README.md stays as it was" in said
    assert (tmp_path / "README.md").read_text() == "mine\n"
    assert {"mine/", ".ganflow/"} <= set((tmp_path / ".gitignore").read_text().splitlines())
    assert git("log", "--all", "--oneline", cwd=tmp_path) == ""


def test_what_is_in_the_way_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(GanflowError, match=r"already there: dvc\.yaml"):
        init(tmp_path, None, None, with_git=True)
    assert [path.name for path in tmp_path.iterdir()] == ["dvc.yaml"]


@pytest.mark.parametrize("data", ["missing", "empty"])
def test_data_that_cannot_be_used_leave_nothing_behind(tmp_path: Path, data: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(GanflowError):
        init(tmp_path / "new", tmp_path / data, None, with_git=True)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_project_inside_its_data_is_refused(tmp_path: Path, pictures: Path) -> None:
    before = sorted(pictures.rglob("*"))
    for folder in (pictures, pictures / "faces"):
        with pytest.raises(GanflowError, match="inside the data"):
            init(folder, pictures, None, with_git=True)
    assert sorted(pictures.rglob("*")) == before


def test_what_to_type_next_begins_with_the_project_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = init(Path("-my faces"), None, None, with_git=False)
    assert said[-1] == "next: cd './-my faces' && dvc repro"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert init(Path(), None, None, with_git=False)[-1] == "next: dvc repro"


def test_below_a_repository_s_top_the_workflow_does_not_run(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    said = init(tmp_path / "faces", None, None, with_git=True)
    assert any("move it to the repository's top" in line for line in said)


@pytest.mark.parametrize("target", ["..", ".", "missing.png", "../../other"])
def test_links_that_cannot_be_followed_are_refused(
    tmp_path: Path, pictures: Path, target: str
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/back").symlink_to(pictures)  # a loop by way of another folder
    (pictures / "dog/link").symlink_to(target)
    with pytest.raises(GanflowError, match="a link leads") as caught:
        init(tmp_path / "pets", pictures, None, with_git=True)
    assert caught.value.where is not None
    assert "dog/link" in caught.value.where
    assert not (tmp_path / "pets").exists()


def test_links_to_pictures_are_followed(tmp_path: Path, pictures: Path) -> None:
    chosen = tmp_path / "chosen"
    (chosen / "linked").mkdir(parents=True)
    for path in pictures.glob("cat/*.png"):
        (chosen / "linked" / path.name).symlink_to(path)
    (chosen / "dog").symlink_to(pictures / "dog")
    init(tmp_path / "pets", chosen, None, with_git=True)
    copied = list((tmp_path / "pets" / RAW / "chosen").rglob("*.png"))
    assert len(copied) == 60
    assert not any(path.is_symlink() for path in copied)


@pytest.mark.parametrize(("program", "with_git"), [("git", True), ("dvc", True), ("dvc", False)])
def test_without_git_or_dvc_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, with_git: bool
) -> None:
    if program == "git":
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    else:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GanflowError, match=program) as caught:
        init(tmp_path / "pets", None, None, with_git=with_git)
    assert "install" in str(caught.value.run)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_after_the_files_are_there_leaves_nothing(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: str, cwd: Path, **_: object) -> CommandResult:
        return CommandResult(1, b"", "ERROR: No space left on device")

    monkeypatch.setattr(dvc, "attempt", full)
    with pytest.raises(GanflowError, match="No space left"):
        init(tmp_path / "pets", pictures, None, with_git=True)
    assert [path.name for path in tmp_path.iterdir()] == ["my pictures"]


def test_a_failure_of_dvc_undoes_what_was_written_into_a_repository(
    tmp_path: Path, pictures: Path
) -> None:
    folder = tmp_path / "mine"
    (folder / ".github").mkdir(parents=True)
    git("init", "--quiet", cwd=folder)
    (folder / ".gitignore").write_text("mine/\n")
    git("add", "--all", cwd=folder)
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/my-pictures.dvc").mkdir()  # so that `dvc add` cannot write this file
    with pytest.raises(GanflowError, match="ERROR: "):
        init(folder, pictures, None, with_git=True)
    assert git("status", "--porcelain", cwd=folder) == "A  .gitignore\n"
    assert (folder / ".gitignore").read_text() == "mine/\n"
    kept = {".git", ".github", ".gitignore", "data"}
    assert {path.name for path in folder.iterdir()} == kept
    assert [path.name for path in (folder / "data/raw").iterdir()] == ["my-pictures.dvc"]


def test_pictures_that_are_there_are_not_replaced(tmp_path: Path, pictures: Path) -> None:
    there = tmp_path / "pets" / RAW / "my-pictures"
    there.mkdir(parents=True)
    (there / "0.png").write_text("mine")
    with pytest.raises(GanflowError, match="already there: data/raw/my-pictures"):
        init(tmp_path / "pets", pictures, None, with_git=False)
    assert (there / "0.png").read_text() == "mine"


def test_pictures_in_their_place_are_not_copied(tmp_path: Path, pictures: Path) -> None:
    there = tmp_path / "pets" / RAW / "my-pictures"
    shutil.copytree(pictures, there)
    said = init(tmp_path / "pets", there, None, with_git=False)
    assert len(list(there.rglob("*.png"))) == 60
    assert (tmp_path / "pets" / RAW / "my-pictures.dvc").is_file()
    sheet = next(line for line in said if line.startswith("contact sheet: "))
    assert Path(sheet.removeprefix("contact sheet: ")).is_file()


def test_sigterm_leaves_nothing(tmp_path: Path, pictures: Path) -> None:
    for number in range(4000):
        shutil.copy(pictures / "dog/0.png", pictures / f"dog/more{number}.png")
    process = subprocess.Popen(
        [sys.executable, "-m", "ganflow", "init", "pets", "--data", str(pictures)], cwd=tmp_path
    )
    while not list(tmp_path.glob(".ganflow-*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["my pictures"]
