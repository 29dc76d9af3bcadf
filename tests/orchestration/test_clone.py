"""The deployments run in the clone that somebody deployed, and in no other without a word."""

import contextlib
import dataclasses
import re
import shutil
import socket
from pathlib import Path

import pytest
import yaml

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.orchestration import clone
from tests.flows.conftest import ROOT, Server, run, stop

pytestmark = pytest.mark.usefixtures("pool")


@pytest.fixture
def pool(server: Server, tmp_path: Path) -> None:
    pool = ("work-pool", "create", "ganflow", "--type", "process")
    server.prefect(*pool, cwd=tmp_path, check=False)


def folder_of(server: Server, deployment: str) -> str:
    (step,) = server.ask(f"/deployments/name/{deployment}")["pull_steps"]
    return str(step["prefect.deployments.steps.set_working_directory"]["directory"])


def deploy(server: Server, project: Path, **environment: str) -> str:
    """Deploy one flow, as a user whose environment says nothing about taking over."""
    plain = {"GANFLOW_TAKE_OVER": "", **environment}
    user = dataclasses.replace(server, environment={**server.environment, **plain})
    said = user.prefect("--no-prompt", "deploy", "--name", "local", cwd=project, check=False)
    return " ".join(said.split())


def test_a_second_clone_deploys_only_when_it_is_told_to(
    server: Server, deployable: Path, tmp_path: Path
) -> None:
    deploy(server, deployable, GANFLOW_TAKE_OVER="1")
    second = Path(shutil.copytree(deployable, tmp_path / "second", symlinks=True))
    said = deploy(server, second)
    assert f"pipeline/local runs in {deployable}" in said
    assert "GANFLOW_TAKE_OVER=1 prefect --no-prompt deploy --name local" in said
    assert "Traceback" not in said
    assert folder_of(server, "pipeline/local") == str(deployable)
    assert "successfully created" in deploy(server, deployable), "its own clone, again"
    assert "successfully created" in deploy(server, second, GANFLOW_TAKE_OVER="1")
    assert folder_of(server, "pipeline/local") == str(second)
    assert f"pipeline/local runs in {second}" in deploy(server, deployable)


def test_a_clone_that_was_moved_deploys_again(server: Server, deployable: Path) -> None:
    deploy(server, deployable, GANFLOW_TAKE_OVER="1")
    moved = deployable.rename(deployable.with_name("moved"))
    assert "successfully created" in deploy(server, moved)
    assert folder_of(server, "pipeline/local") == str(moved)


def test_a_run_in_a_clone_that_took_the_folder_fails(
    server: Server, deployable: Path, tmp_path: Path, cleanup: contextlib.ExitStack
) -> None:
    cleanup.callback(stop, server.start_worker(tmp_path / "worker.log"))
    deploy(server, deployable, GANFLOW_TAKE_OVER="1")
    deployable.rename(tmp_path / "old")
    run("git", "clone", "--quiet", str(tmp_path / "old"), str(deployable), cwd=tmp_path)
    said = server.prefect(
        "deployment", "run", "pipeline/local", "--watch", cwd=deployable, check=False
    )
    named = re.search(r"UUID: (\S+)", said)
    assert named, said
    state = server.ask(f"/flow_runs/{named[1]}")["state"]
    assert state["name"] == "Failed"
    assert f"deployed from {deployable}" in state["message"]
    assert "GANFLOW_TAKE_OVER=1 prefect --no-prompt deploy --all" in state["message"]


def test_every_deployment_asks_about_itself() -> None:
    for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        name = f"{entry['entrypoint'].rpartition(':')[2]}/{entry['name']}"
        step = {"ganflow.orchestration.clone.refuse_another": {"deployment": name}}
        assert entry["build"] == [step]


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as the working folder of a run that was deployed from it."""
    monkeypatch.chdir(project)
    (project / ".git/ganflow-clone").write_text("0123")
    monkeypatch.setenv("GANFLOW_DEPLOYED", f"{socket.gethostname()} 0123 {project}")
    return project


def test_a_run_of_no_deployment_has_nothing_to_check(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GANFLOW_DEPLOYED")
    monkeypatch.chdir(tmp_path)
    clone.check_clone()


def test_the_deployed_clone_passes(here: Path) -> None:
    clone.check_clone()


def test_another_folder_is_named_with_the_deployed_one(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(here, tmp_path / "copy", symlinks=True))
    monkeypatch.chdir(copy)
    with pytest.raises(GanflowError, match=rf"deployed from {here}, and {copy} is another"):
        clone.check_clone()


def test_another_machine_has_its_own_clone_at_the_same_path(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".git/ganflow-clone").unlink()
    with pytest.raises(GanflowError, match="is another clone"):
        clone.check_clone()
    monkeypatch.setenv("GANFLOW_DEPLOYED", f"another-machine 0123 {here}")
    clone.check_clone()


def test_the_code_of_another_clone_is_refused(here: Path) -> None:
    own = here / "src/ganflow"
    shutil.copytree(Path(ganflow.__file__).parent, own)
    clone.check_clone()
    (own / "cli.py").write_text("changed")
    with pytest.raises(GanflowError, match=str(Path(ganflow.__file__).parent)) as caught:
        clone.check_clone()
    assert "prefect worker start" in str(caught.value)
