"""The previous model comes back whole: dvc.lock, parameters, metrics and the files themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.versions.rollback import roll_back

pytestmark = pytest.mark.slow


def run(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dvc(*words: str, cwd: Path) -> str:
    return run(sys.executable, "-m", "dvc", *words, cwd=cwd)


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models, and then a commit that changes nothing about them."""
    run("git", "init", "--quiet", cwd=tmp_path)
    dvc("init", "--quiet", cwd=tmp_path)
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: mkdir -p data/model && cp params.yaml data/model/model\n"
        "    deps: [params.yaml]\n    outs: [data/model]\n"
    )
    for seed in (1, 2):
        (tmp_path / "params.yaml").write_text(f"seed: {seed}\n")
        dvc("repro", "--quiet", cwd=tmp_path)
        run("git", "add", "--all", cwd=tmp_path)
        run("git", "commit", "--quiet", f"--message=Model {seed}", cwd=tmp_path)
    (tmp_path / "README.md").write_text("text")
    run("git", "add", "--all", cwd=tmp_path)
    run("git", "commit", "--quiet", "--message=Text", cwd=tmp_path)
    return tmp_path


def test_the_previous_model_comes_back_and_going_on_is_possible(history: Path) -> None:
    found = roll_back(history)
    assert (history / "data/model/model").read_text() == "seed: 1\n"
    assert (history / "params.yaml").read_text() == "seed: 1\n"
    assert (history / "README.md").exists()
    assert "didn't change, skipping" in dvc("repro", cwd=history)
    run("git", "commit", "--quiet", "--message=Back", cwd=history)
    assert found.commit == run("git", "rev-parse", "HEAD~3", cwd=history).strip()


def test_uncommitted_work_is_not_overwritten(history: Path) -> None:
    (history / "params.yaml").write_text("seed: 3\n")
    with pytest.raises(GanflowError, match="uncommitted"):
        roll_back(history)
    assert (history / "params.yaml").read_text() == "seed: 3\n"


def test_a_first_model_has_no_previous_one(history: Path) -> None:
    run("git", "reset", "--quiet", "--hard", "HEAD~2", cwd=history)
    with pytest.raises(GanflowError, match="no earlier model"):
        roll_back(history)
