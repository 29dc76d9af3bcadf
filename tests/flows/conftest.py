"""A project with the same six stages as ganflow's, whose stages take no time, and its clones."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

STAGE = """
import json, os, subprocess, sys, time
from pathlib import Path

name, target, *sources = sys.argv[1:]
fault = Path("faults", name)
words = fault.read_text().split() if fault.exists() else []
out = Path(target)
if name == "evaluate":
    out.mkdir(parents=True, exist_ok=True)
    text = sources and Path(sources[0]).read_text() or ""
    value = 2.0 + len(text) / 100
    (out / "metrics.json").write_text(json.dumps(
        {"fd": {"value": value, "floor": 1.0, "ratio": value}, "profile": "quick",
         "yardstick": "0123456789abcdef"}))
else:
    out.mkdir(parents=True, exist_ok=True)
    (out / "file.txt").write_text("".join(Path(s).read_text() for s in sources) + name + "\\n")
for number in (1, 2, 3):
    print(f"progress: {name} {number}/3 images, 0 %, 1 images/s, 0:00 left", flush=True)
if words[:1] == ["fail"]:
    print("something broke", file=sys.stderr)
    sys.exit(int(words[1]) if words[1:] else 1)
if words[:1] == ["hang"]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("faults", "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
if words[:1] == ["secrets"]:
    Path("faults", "seen").write_text(json.dumps(dict(os.environ)))
"""

DVC_YAML = """
stages:
  prepare:
    cmd: python stage.py prepare data/prepared data/raw/images.txt
    deps: [data/raw/images.txt, stage.py]
    outs: [data/prepared]
  extractor:
    cmd: python stage.py extractor data/extractor data/prepared/file.txt
    deps: [data/prepared]
    outs: [data/extractor]
  train:
    cmd: python stage.py train data/model params.yaml data/prepared/file.txt
    deps: [data/prepared, data/extractor]
    params: [seed, train]
    outs: [data/model]
  sample:
    cmd: python stage.py sample data/samples data/model/file.txt
    deps: [data/model]
    outs: [data/samples]
  evaluate:
    cmd: python stage.py evaluate data/evaluation data/samples/file.txt
    deps: [data/samples, data/prepared, data/extractor]
    metrics:
    - data/evaluation/metrics.json:
        cache: false
  report:
    cmd: python stage.py report data/report data/evaluation/metrics.json
    deps: [data/evaluation/metrics.json]
    outs: [data/report]
"""

IDENTITY = {
    "GIT_AUTHOR_NAME": "A Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
}


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed, and return what it printed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def dvc(*arguments: str, cwd: Path) -> str:
    return run(sys.executable, "-m", "dvc", *arguments, cwd=cwd)


@pytest.fixture(autouse=True)
def _quiet_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC and git as they are started here: an identity, no telemetry, this interpreter first."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.delenv("GANFLOW_STATE", raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built once and committed; tests copy it."""
    folder = tmp_path_factory.mktemp("template") / "project"
    (folder / "data" / "raw").mkdir(parents=True)
    (folder / "data" / "raw" / "images.txt").write_text("images\n")
    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "params.yaml").write_text("seed: 0\ntrain: {images: 128000}\n")
    (folder / ".gitignore").write_text("/.ganflow\n/faults\n")
    (folder / "faults").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in IDENTITY.items():
            patch.setenv(name, value)
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
        run("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
        dvc("init", "--quiet", cwd=folder)
        dvc("config", "core.check_update", "false", cwd=folder)
        dvc("repro", "--quiet", cwd=folder)
        run("git", "add", "--all", cwd=folder)
        run("git", "commit", "--quiet", "--message=First", cwd=folder)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A copy of the project in which every stage is up to date."""
    return Path(shutil.copytree(template, tmp_path / "project", symlinks=True))


@pytest.fixture
def fault(project: Path) -> Callable[[str, str], None]:
    """Make a stage misbehave the next time it runs: `fail`, `fail 75`, `hang`, `secrets`."""

    def set_fault(stage: str, words: str) -> None:
        (project / "faults" / stage).write_text(words)

    return set_fault
