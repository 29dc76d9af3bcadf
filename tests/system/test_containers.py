"""The Dockerfile and the container deployments, without building the image: test_image does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.flows.conftest import ROOT, run
from tests.system.conftest import Hub

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DOCKERFILE = ROOT / "Dockerfile"
BIN = Path(sys.executable).parent


def lint(program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(BIN / program), *words], cwd=ROOT, text=True, capture_output=True, check=False
    )


def test_the_linter_has_nothing_to_say() -> None:
    done = lint("hadolint", "--no-color", "Dockerfile")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_linter_would_say_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN pip install dvc\n")
    assert lint("hadolint", str(tmp_path / "Dockerfile")).returncode == 1


def test_the_workflow_gives_nothing_away() -> None:
    done = lint("zizmor", "--offline", "--quiet", ".github/workflows")
    assert done.returncode == 0, done.stdout


def test_what_the_image_copies_reaches_it(tmp_path: Path) -> None:
    """.dockerignore leaves out all else; git reads its patterns as Docker does."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.M)
    names = [name for line in copied for name in line.split()]
    assert {"requirements.lock", "pyproject.toml", "src"} <= set(names)
    run("git", "init", "--quiet", cwd=tmp_path)
    shutil.copy(ROOT / ".dockerignore", tmp_path / ".git/info/exclude")
    folders = {name for name in names if (ROOT / name).is_dir()}
    inside = {f"{name}/x/y.py" for name in folders}
    for name in [*set(names) - folders, *inside, ".git-credentials", "data/raw/x", "dvc.lock"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# x")
    seen = run("git", "ls-files", "--others", "--exclude-standard", cwd=tmp_path).split()
    assert set(seen) == {*names, *inside} - folders


def test_the_image_has_the_tensorflow_of_the_lock() -> None:
    (version,) = re.findall(r"^tensorflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    cpu = (ROOT / "requirements-cpu.lock").read_text()
    assert re.findall(r"^[a-z].*==(\S+)", cpu, re.M) == [version]


def test_the_library_installs_from_what_is_copied(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.M)
    for name in (name for line in copied for name in line.split()):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        else:
            shutil.copy(ROOT / name, tmp_path)
    target = tmp_path / "installed"
    words = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    run(sys.executable, *words, "--target", str(target), ".", cwd=tmp_path)
    assert (target / "ganflow/versions/cloning.py").exists()
    assert (target / "ganflow/config/recipes/default.yaml").exists()
    assert (target / "ganflow/template/repository/dvc.yaml").exists()


def test_the_pool_takes_the_deployments(hub: Hub) -> None:
    """Prefect checks a deployment's values against its pool's template."""
    server, pool = hub.server, "ganflow-docker"
    server.prefect("work-pool", "create", pool, "--type", "docker", cwd=ROOT)
    file = "deployments/docker.yaml"
    server.prefect("--no-prompt", "deploy", "--all", "--prefect-file", file, cwd=ROOT)
    described = yaml.safe_load((ROOT / file).read_text())["deployments"]
    template = server.ask(f"/work_pools/{pool}")["base_job_template"]
    for deployment in described:
        flow = deployment["entrypoint"].partition(":")[2]
        found = server.ask(f"/deployments/name/{flow}/{deployment['name']}")
        assert found["pull_steps"][0]["ganflow.versions.cloning.whole_clone"]["folder"]
        assert found["job_variables"] == deployment["work_pool"]["job_variables"]
        assert set(found["job_variables"]) <= set(template["variables"]["properties"])
