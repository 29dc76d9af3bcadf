"""A file is traced to the commit, the data and the parameters of its model, or told why not."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from ganflow.base.errors import DataError, GanflowError
from ganflow.base.files import write_text
from ganflow.base.recorded import folder_hash
from ganflow.generate import write_images
from ganflow.marks import identity
from ganflow.versions.provenance import in_words, provenance

IMAGES = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8, 1)


def git(*words: str, cwd: Path) -> str:
    done = subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def train(project: Path, seed: int) -> str:
    """A model of that seed, its lock, and what a mark says of it."""
    model = project / "data/model"
    write_text(model / "card.json", f'{{"seed": {seed}}}')
    write_text(model / "generator.safetensors", f"weights {seed}")
    prepare = {"deps": [{"path": "data/raw/shapes", "md5": "5e1f.dir"}]}
    outs = [{"path": "data/model", "md5": folder_hash(model)}]
    trained = {"params": {"params.yaml": {"seed": seed}}, "outs": outs}
    stages = {"prepare": prepare, "train": trained}
    write_text(project / "dvc.lock", yaml.safe_dump({"stages": stages}))
    return identity(model)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two models, each in a commit of its own, and a commit after them."""
    folder = tmp_path / "project"
    folder.mkdir()
    git("init", "--quiet", cwd=folder)
    for seed in (1, 2):
        train(folder, seed)
        git("add", "dvc.lock", cwd=folder)
        git("commit", "--quiet", f"--message=Model {seed}", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "--message=Later", cwd=folder)
    return folder


@pytest.mark.parametrize("name", ["out.png", "out.npz", "pictures"])
def test_a_file_of_an_earlier_model_is_traced_after_it_was_renamed(
    project: Path, name: str
) -> None:
    older = train(project, 1)
    train(project, 2)
    write_images(project / name, IMAGES, None, older)
    moved = (project / name).rename(project / "renamed")
    found = provenance(moved, project)
    assert found.commit == git("rev-parse", "HEAD~2", cwd=project)
    assert found.unchanged
    assert found.card == older.split()[0]
    assert found.data == {"data/raw/shapes": "5e1f.dir"}
    assert found.parameters == {"seed": 1}
    assert any("seed: 1" in line for line in in_words(found))


def test_a_changed_file_says_so(project: Path) -> None:
    file = project / "out.png"
    write_images(file, IMAGES, None, train(project, 2))
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)
    found = provenance(file, project)
    assert not found.unchanged
    assert "changed after it was written" in next(in_words(found))
    assert found.commit == git("rev-parse", "HEAD~1", cwd=project)


def test_a_model_that_is_not_committed_is_in_the_working_tree(project: Path) -> None:
    write_images(project / "out.png", IMAGES, None, train(project, 3))
    found = provenance(project / "out.png", project)
    assert found.commit is None
    assert found.parameters == {"seed": 3}
    assert any("working tree" in line for line in in_words(found))


def test_a_file_of_another_repository_is_told(project: Path) -> None:
    write_images(project / "out.png", IMAGES, None, f"{'ab' * 32} {'cd' * 16}")
    with pytest.raises(GanflowError, match="no commit here has the model"):
        provenance(project / "out.png", project)


def test_a_file_without_a_mark_is_told(project: Path) -> None:
    (project / "empty").mkdir()
    (project / "text").write_text("text")
    for name in ("empty", "text"):
        with pytest.raises(DataError, match="which model made it"):
            provenance(project / name, project)
    with pytest.raises(DataError, match="no such file"):
        provenance(project / "nothing", project)
