"""A change to one file runs the stages that it can change, as DVC itself sees it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
DOWNSTREAM_OF_STORE = {"prepare", "extractor", "train", "sample", "evaluate", "report"}


def dvc(project: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=project,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with a file in the place of each output, recorded as up to date."""
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", "ganflow.lock", ".dvcignore"):
        shutil.copy(ROOT / name, project / name)
    for path in ("data/raw/mnist", "data/raw/inception", "flows"):
        (project / path).mkdir(parents=True)
        (project / path / "file").write_text(path)
    for stage in STAGES.values():
        for entry in stage["outs"]:
            folder = project / (next(iter(entry)) if isinstance(entry, dict) else entry)
            folder.mkdir(parents=True)
            (folder / "file").write_text(folder.name)
    dvc(project, "init", "--no-scm", "--quiet")
    dvc(project, "commit", "--force", "--quiet")
    assert changed(project) == set()
    return project


def changed(project: Path) -> set[str]:
    """The stages that `dvc repro` would run."""
    return set(json.loads(dvc(project, "status", "--json")))


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("flows/file", set()),
        ("src/ganflow/config/params.py", {"report"}),
        ("src/ganflow/config/recipes/default.yaml", {"report"}),
        ("src/ganflow/config/gate.py", {"report"}),
        ("src/ganflow/config/train.py", {"train", "report"}),
        ("src/ganflow/versions/gate.py", set()),
        ("src/ganflow/studio/app.py", set()),
        ("src/ganflow/orchestration/stage.py", set()),
        ("src/ganflow/report/page.py", {"report"}),
        ("src/ganflow/metrics/kernel.py", {"evaluate"}),
        ("src/ganflow/metrics/frechet.py", {"extractor", "train", "evaluate"}),
        ("src/ganflow/features/extractor.py", {"extractor", "train", "evaluate"}),
        ("src/ganflow/gan/networks/lean.py", {"train", "sample", "report"}),
        ("src/ganflow/gan/objectives.py", {"train", "sample", "report"}),
        ("src/ganflow/data/readers/zipped.py", {"prepare"}),
        ("src/ganflow/base/store.py", DOWNSTREAM_OF_STORE),
        ("src/ganflow/stages/sample.py", {"sample"}),
    ],
)
def test_a_change_runs_the_stages_that_it_can_change(
    path: str, stages: set[str], project: Path
) -> None:
    file = project / path
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\n# changed\n")
        assert changed(project) == stages
    finally:
        file.write_bytes(before)
