"""A model that the next training starts from, in a real project of git and DVC."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ganflow.base.errors import GanflowError
from ganflow.base.files import read_json, write_json, write_text
from ganflow.base.paths import MODEL_FILES
from ganflow.versions.start import start_from

STAGES = """\
stages:
  train:  # a comment that stays
    cmd: "true"
    deps:
      - data/prepared
      # and another
      - data/extractor
    params:
      - train
"""
PARAMS = "train:\n  images: 64  # few\n"


def run(folder: Path, *command: str) -> str:
    identity = {
        f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **identity, "DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull},
    ).stdout.strip()


def write_model(folder: Path, images: int) -> Path:
    write_json(folder / MODEL_FILES[0], {"snapshot": {"images": images}})
    for name in MODEL_FILES[1:]:
        (folder / name).write_bytes(b"%d" % images)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a model of 100 images in its only commit."""
    folder = tmp_path_factory.mktemp("made")
    dvc = (sys.executable, "-m", "dvc")
    run(folder, "git", "init", "-q", "-b", "main")
    run(folder, *dvc, "init", "-q")
    write_text(folder / "dvc.yaml", STAGES)
    write_text(folder / "params.yaml", PARAMS)
    write_model(folder / "data/model", 100)
    run(folder, *dvc, "add", "-q", "data/model")
    run(folder, "git", "add", ".")
    run(folder, "git", "commit", "-qm", "a model")
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "project", symlinks=True)


def test_the_model_of_a_revision_is_tracked_and_named(project: Path, tmp_path: Path) -> None:
    commit = run(project, "git", "rev-parse", "HEAD")
    started = start_from("main", project, tmp_path / "state")
    assert (started.commit, started.images) == (commit, 100)
    assert started.changed == ("data/start.dvc", "params.yaml", "dvc.yaml")
    assert read_json(project / "data/start/card.json")["snapshot"]["images"] == 100
    pointer = yaml.safe_load((project / "data/start.dvc").read_text())
    assert pointer["meta"] == {"revision": commit}
    assert (project / "params.yaml").read_text() == PARAMS + "  start: data/start\n"
    assert (project / "dvc.yaml").read_text() == STAGES.replace(
        "      - data/prepared\n", "      - data/start\n      - data/prepared\n"
    )
    assert "data/start.dvc" in run(project, "git", "status", "--porcelain", "-uall")
    assert "data/start.dvc" not in run(
        project, sys.executable, "-m", "dvc", "status", "data/start.dvc"
    )


def test_another_model_takes_its_place(project: Path, tmp_path: Path) -> None:
    start_from("main", project, tmp_path / "state")
    again = start_from(str(write_model(tmp_path / "model", 200)), project, tmp_path / "state")
    assert (again.commit, again.images) == (None, 200)
    assert again.changed == ("data/start.dvc", "params.yaml")
    assert (project / "dvc.yaml").read_text().count("data/start") == 1
    pointer = yaml.safe_load((project / "data/start.dvc").read_text())
    assert pointer["meta"] == {"revision": None}, "it is not of the former commit"
    run(project, sys.executable, "-m", "dvc", "status", "data/start.dvc")


def refused(project: Path, model: str, state: Path, match: str) -> None:
    before = {name: (project / name).read_text() for name in ("dvc.yaml", "params.yaml")}
    with pytest.raises(GanflowError, match=match):
        start_from(model, project, state)
    assert before == {name: (project / name).read_text() for name in before}


def test_what_is_no_model_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(project, str(tmp_path / "empty"), tmp_path, "card.json, generator.safetensors")
    refused(project, "no-such-branch", tmp_path, "git knows no revision")


def test_files_that_dvc_does_not_know_stay(project: Path, tmp_path: Path) -> None:
    (project / "data/start").mkdir()
    (project / "data/start/mine").write_text("mine")
    refused(project, "main", tmp_path / "state", "would replace")
    assert (project / "data/start/mine").read_text() == "mine"


@pytest.mark.parametrize("deps", ["[data/prepared]", ""])
def test_a_list_on_one_line_is_the_user_s_to_edit(project: Path, tmp_path: Path, deps: str) -> None:
    write_text(project / "dvc.yaml", f"stages:\n  train:\n    cmd: x\n    deps: {deps}\n")
    refused(project, "main", tmp_path / "state", "cannot be added to the dependencies of train")
    assert not (project / "data/start").exists()


def test_what_dvc_refuses_changes_no_parameter(project: Path, tmp_path: Path) -> None:
    write_text(project / ".dvc/config", "[core\n")
    model = write_model(tmp_path / "model", 200)
    refused(project, str(model), tmp_path / "state", "DVC cannot add data/start")
    assert not (project / "data/start").exists(), "it would be in the way of the next attempt"
