"""The model of a revision is the one that was committed there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.base.files import read_json, write_json, write_text
from ganflow.versions.models import model_at


def run(folder: Path, *command: str) -> None:
    identity = {
        f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, **identity, "DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of three commits: without a model, with one, with another."""
    folder = tmp_path_factory.mktemp("project")
    dvc = (sys.executable, "-m", "dvc")
    run(folder, "git", "init", "-q", "-b", "main")
    run(folder, *dvc, "init", "-q")
    run(folder, "git", "commit", "-qm", "no model")
    for latent in (8, 16):
        write_json(folder / "data/model/card.json", {"latent": latent})
        run(folder, *dvc, "add", "-q", "data/model")
        run(folder, "git", "add", "data")
        run(folder, "git", "commit", "-qm", f"latent {latent}")
    return folder


def test_each_revision_has_its_own_model(project: Path, tmp_path: Path) -> None:
    for revision, latent in (("HEAD", 16), ("HEAD~1", 8)):
        folder = model_at(revision, project, tmp_path)
        assert read_json(folder / "card.json") == {"latent": latent}
    kept = model_at("main", project, tmp_path)
    assert kept == model_at("HEAD", project, tmp_path)
    assert len(list((tmp_path / "models").iterdir())) == 2
    assert read_json(project / "data/model/card.json") == {"latent": 16}


@pytest.mark.parametrize("revision", ["no-such-branch", "--help", "", "HEAD:data"])
def test_an_unknown_revision_is_named(project: Path, tmp_path: Path, revision: str) -> None:
    with pytest.raises(GanflowError, match="git knows no revision") as refused:
        model_at(revision, project, tmp_path)
    assert repr(revision) in str(refused.value)


def test_a_revision_without_a_model_leaves_nothing_behind(project: Path, tmp_path: Path) -> None:
    with pytest.raises(GanflowError, match="cannot be brought") as refused:
        model_at("HEAD~2", project, tmp_path)
    assert "dvc fetch" in str(refused.value)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_release_of_gto_is_a_revision(project: Path, tmp_path: Path) -> None:
    """`gto register` tags the newest commit, as dvc.yaml names the artifact."""
    write_text(project / "dvc.yaml", "artifacts:\n  generator: {path: data/model, type: model}\n")
    run(project, "git", "add", "dvc.yaml")
    run(project, "git", "commit", "-qm", "artifact")
    gto = Path(sys.executable).with_name("gto")
    run(project, str(gto), "register", "generator", "--version", "v1.2.0")
    run(project, "git", "tag", "generator@v1.1.0", "HEAD~2")
    for release, latent in (("generator@v1.2.0", 16), ("generator@v1.1.0", 8)):
        assert read_json(model_at(release, project, tmp_path) / "card.json") == {"latent": latent}
    with pytest.raises(GanflowError, match="git knows no revision"):
        model_at("generator@v9.0.0", project, tmp_path)
