"""A chain of models, each started from the one before, rebuilt from nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.base.files import read_json, write_text
from ganflow.orchestration.rebuild import commits_of, rebuild
from ganflow.versions.start import start_from

pytestmark = pytest.mark.slow

TRAIN = '''\
"""A training that adds its images to those of its start."""
import json, pathlib, yaml

train = yaml.safe_load(open("params.yaml"))["train"]
start = pathlib.Path("data/start/card.json")
before = json.loads(start.read_text())["snapshot"]["images"] if train["start"] != "none" else 0
model = pathlib.Path("data/model")
model.mkdir(parents=True, exist_ok=True)
card = {"snapshot": {"images": before + train["images"]}}
(model / "card.json").write_text(json.dumps(card))
for name in ("generator", "discriminator"):
    (model / f"{name}.safetensors").write_text(str(card))
'''
STAGES = f"""\
stages:
  train:
    cmd: {sys.executable} train.py
    deps:
      - train.py
    params:
      - train
    outs:
      - data/model
"""


def run(folder: Path, *command: str) -> str:
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def dvc(folder: Path, *arguments: str) -> None:
    run(folder, sys.executable, "-m", "dvc", *arguments)


def commit(folder: Path, message: str) -> str:
    dvc(folder, "repro", "-q")
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", message)
    return run(folder, "git", "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project and its commits: a model, and one that started from it."""
    folder = tmp_path_factory.mktemp("chain")
    run(folder, "git", "init", "-q", "-b", "main")
    dvc(folder, "init", "-q")
    write_text(folder / ".gitignore", "/.ganflow\n")
    write_text(folder / "train.py", TRAIN)
    write_text(folder / "dvc.yaml", STAGES)
    write_text(folder / "params.yaml", "train:\n  images: 100\n  start: none\n")
    commits = [commit(folder, "first")]
    start_from("main", folder, folder / ".ganflow")
    commits.append(commit(folder, "second"))
    return folder, commits


@pytest.fixture(autouse=True)
def state(chain: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(chain[0] / ".ganflow"))


def test_the_oldest_is_rebuilt_first(chain: tuple[Path, list[str]]) -> None:
    folder, commits = chain
    assert read_json(folder / "data/model/card.json") == {"snapshot": {"images": 200}}
    assert commits_of("main", folder) == commits
    assert commits_of(commits[0], folder) == commits[:1]
    lines: list[str] = []
    assert list(rebuild("main", folder, lines.append)) == commits
    assert sum("Running stage 'train'" in line for line in lines) == 2
    assert run(folder, "git", "status", "--porcelain") == ""


def test_other_bytes_are_named(chain: tuple[Path, list[str]]) -> None:
    folder, commits = chain
    rebuilt = rebuild("main", folder, lambda line: None)
    assert next(rebuilt) == commits[0]
    (folder / ".ganflow/rebuilt" / commits[0] / "card.json").write_text("changed")
    with pytest.raises(GanflowError, match=f"data/start of {commits[1][:12]} was rebuilt with"):
        next(rebuilt)


def test_a_start_of_no_known_commit_ends_the_chain(chain: tuple[Path, list[str]]) -> None:
    folder, _ = chain
    start_from(str(folder / "data/model"), folder, folder / ".ganflow")
    try:
        run(folder, "git", "commit", "-qam", "from a folder")
        with pytest.raises(GanflowError, match="of which no commit is known"):
            commits_of("main", folder)
    finally:
        run(folder, "git", "reset", "-q", "--hard", "HEAD~1")
