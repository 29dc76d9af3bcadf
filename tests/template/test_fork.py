"""A fork of this repository becomes a project that installs ganflow."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ganflow.base.errors import GanflowError, ParameterError
from ganflow.stages import lock
from ganflow.template.writing import init

ROOT = Path(__file__).parents[2]


def git(*words: str, cwd: Path) -> str:
    return subprocess.run(
        ["git", *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


def status(folder: Path) -> dict[str, list[dict[str, dict[str, str]]]]:
    """What DVC says of each stage, without the outputs, which are not there."""
    said = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        cwd=folder,
        check=True,
        capture_output=True,
    ).stdout
    kept = {
        stage: [c for c in changes if c not in ({}, "always changed") and "changed outs" not in c]
        for stage, changes in json.loads(said).items()
    }
    deps = [c["changed deps"] for changes in kept.values() for c in changes if "changed deps" in c]
    for each in deps:
        for path in [p for p in each if p.startswith("data/") and not p.startswith("data/raw")]:
            del each[path]
    return {
        stage: left
        for stage, changes in kept.items()
        if (left := [c for c in changes if c != {"changed deps": {}}])
    }


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    for name in git("ls-files", cwd=ROOT).splitlines():
        if not name.startswith(("docs/", "benchmarks/")) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message=The fork", cwd=folder)
    return folder


@pytest.mark.slow
def test_its_results_stay_where_the_installed_code_is_its_own(fork: Path) -> None:
    with (fork / "src/ganflow/report/compose.py").open("a") as file:
        file.write("# the fork's own report\n")
    git("commit", "--quiet", "--all", "--message=Our report", cwd=fork)
    before, params = status(fork), (fork / "params.yaml").read_bytes()
    outputs = {name: stage["outs"] for name, stage in recorded(fork).items()}
    said = "\n".join(init(fork, None, None, with_git=True))
    kept = [stage for stage in lock.stages_in(fork) if stage not in before]
    assert kept, "dvc.lock is of other code than this checkout's"
    assert "report" not in kept
    assert f"the results of these stages stay: {', '.join(kept)}" in said
    assert "other code is installed, so these will run again:" in said
    after = status(fork)
    assert set(after) == set(lock.stages_in(fork)) - set(kept)
    assert {name: stage["outs"] for name, stage in recorded(fork).items()} == outputs
    assert (fork / "params.yaml").read_bytes() == params
    assert "src/ganflow" not in (fork / "dvc.yaml").read_text()
    assert "name: faces-local" in (fork / "prefect.yaml").read_text()
    lock.check_lock(fork)
    # The line that it says removes the library's code.
    command = next(line for line in said.splitlines() if line.startswith("git rm"))
    git(*command.split(" removes")[0].split()[1:], cwd=fork)
    assert not (fork / "src").exists()
    assert status(fork) == after


def recorded(folder: Path) -> dict[str, dict[str, object]]:
    return dict(yaml.safe_load((folder / "dvc.lock").read_text())["stages"])


def test_changes_that_git_could_not_bring_back_are_refused(fork: Path) -> None:
    with (fork / "dvc.yaml").open("a") as file:
        file.write("# mine\n")
    before = git("status", "--porcelain", cwd=fork)
    with pytest.raises(GanflowError, match="not committed"):
        init(fork, None, None, with_git=True)
    assert git("status", "--porcelain", cwd=fork) == before


def test_data_and_a_recipe_are_refused(fork: Path, tmp_path: Path) -> None:
    for data, recipe in ((tmp_path, None), (None, "article")):
        with pytest.raises(GanflowError, match="keeps its own data"):
            init(fork, data, recipe, with_git=True)
    assert git("status", "--porcelain", cwd=fork) == ""


def test_parameters_that_cannot_be_migrated_change_nothing(fork: Path) -> None:
    params = fork / "params.yaml"
    params.write_text(params.read_text().replace("  ema_half", "  averaging: 7\n  ema_half"))
    git("commit", "--quiet", "--all", "--message=Both names", cwd=fork)
    with pytest.raises(ParameterError, match="both are there"):
        init(fork, None, None, with_git=True)
    assert git("status", "--porcelain", cwd=fork) == ""
