"""A team's retraining, end to end, for real: PostgreSQL, S3, two workers with a clone each.

Nothing here stands in for anything: the stages train and measure (1,797 small digits), the
flows are started by `prefect deployment run` and by a schedule, and what they leave is used from
a fresh clone.
"""

import contextlib
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ganflow.config import params as parameters
from tests.flows.conftest import PATIENCE, ROOT, Server, alive, run, stop
from tests.flows.test_server import process_tree, wait_for_state, wait_until_gone
from tests.system.browser import watched
from tests.system.conftest import AUTH, Hub, started
from tests.system.installed import Installed
from tests.system.test_studio_in_browser import settled

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "tell-nobody",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Team:
    """Two workers of one pool, each with a clone of its own."""

    def __init__(self, hub: Hub, folder: Path, origin: Path) -> None:
        self.server, self.folder, self.origin = hub.server, folder, origin
        self.clones = {name: folder / name / "clone" for name in ("ada", "bob")}

    def start(self, name: str) -> Any:
        clone = self.clones[name]
        clone.parent.mkdir(exist_ok=True)
        return self.server.start_worker(
            self.folder / f"{name}.log",
            *("--name", name, "--limit", "1"),
            pool="team",
            GANFLOW_CLONE=str(clone),
            GH_TOKEN="tell-nobody",
            **KEYS,
        )

    def retrain(self, **overrides: Any) -> str:
        """Start a retraining; the run's id."""
        return started(
            self.server.prefect(
                *("deployment", "run", "retrain/docker-nightly"),
                *("-p", f"overrides={json.dumps(overrides)}"),
                cwd=self.folder,
            )
        )

    def end(self, run_id: str) -> dict[str, Any]:
        """The state that a run ends in."""
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            state = self.server.ask(f"/flow_runs/{run_id}")["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return dict(state)
            time.sleep(0.5)
        raise AssertionError((self.folder / "ada.log").read_text()[-4000:])

    def place(self, run_id: str) -> str:
        """Which worker's clone a run was in."""
        return next(
            name
            for name, clone in self.clones.items()
            if (clone / ".ganflow/reports" / f"retrain-{run_id[:8]}").exists()
        )

    def branches(self) -> dict[str, str]:
        lines = run("git", "ls-remote", "--heads", str(self.origin), cwd=self.folder).splitlines()
        return {
            line.split("refs/heads/")[1]: line.split()[0] for line in lines if "retrain/" in line
        }

    def tasks(self, run_id: str) -> dict[str, str]:
        asked = {"flow_runs": {"id": {"any_": [run_id]}}}
        found = self.server.ask("/task_runs/filter", asked)
        return {task["name"]: task["state"]["name"] for task in found}


@pytest.fixture(scope="module")
def team(hub: Hub, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """The deployments of deployments/docker.yaml, with processes in the containers' place."""
    folder = tmp_path_factory.mktemp("workers")
    team = Team(hub, folder, trained.parent / "origin.git")
    described = yaml.safe_load((ROOT / "deployments/docker.yaml").read_text())
    nightly = described["deployments"][0]
    variables = nightly["work_pool"]["job_variables"]["env"]
    variables.pop("PREFECT_API_URL")
    variables["GANFLOW_REPOSITORY"] = str(team.origin)
    nightly["work_pool"] = {"name": "team", "job_variables": {"env": variables}}
    nightly.pop("concurrency_limit")  # two at once is what is proven here
    described["deployments"] = [nightly]
    described.pop("definitions")
    (folder / "docker.yaml").write_text(yaml.safe_dump(described))
    (folder / "flows").symlink_to(trained / "flows")
    hub.server.prefect("work-pool", "create", "team", "--type", "process", cwd=folder)
    hub.server.prefect(
        *("--no-prompt", "deploy", "--all", "--prefect-file", "docker.yaml"), cwd=folder
    )
    return team


def test_two_workers_with_a_clone_each_share_pool_and_remotes(
    team: Team, installed: Installed, tmp_path: Path, cleanup: contextlib.ExitStack
) -> None:
    workers = {name: team.start(name) for name in team.clones}
    for worker in workers.values():
        cleanup.callback(stop, worker)
    runs = [team.retrain(**{"train.images": images}) for images in (704, 768)]
    states = [team.end(one) for one in runs]
    assert [state["name"] for state in states] == ["Proposed", "Proposed"], states
    assert {team.place(one) for one in runs} == {"ada", "bob"}, "each worker took one"
    assert len(team.branches()) == 2

    # What was proposed is usable from a fresh clone and S3 alone.
    branch = next(b for b in team.branches() if b in states[0]["message"])
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", "--branch", branch, str(team.origin), str(clone), cwd=tmp_path)

    def dvc(*words: str) -> str:
        return installed.run("dvc", *words, cwd=clone)

    dvc("pull", "--quiet")
    assert (clone / "data/model/generator.safetensors").stat().st_size > 1000
    assert (clone / "data/report/index.html").exists()
    assert dvc("repro").count("didn't change, skipping") == 6 + 1, "the stages, and the data"
    changed = json.loads(dvc("metrics", "diff", "origin/main", "--json"))
    assert "fd.value" in changed["data/evaluation/metrics.json"]
    assert json.loads(dvc("params", "diff", "origin/main", "--json")) == {
        "params.yaml": {"train.images": {"old": 640, "new": 704, "diff": 64}}
    }
    page = installed.run("ganflow", "review", "--base", "origin/main", "--strict", cwd=clone)
    assert "The gate passes" in page
    assert "| `train.images` | `640` | `704` |" in page

    # The other clone repeats the first run: from the shared run cache, and to the same branch.
    stop(workers[team.place(runs[0])])
    again = team.retrain(**{"train.images": 704})
    state = team.end(again)
    assert "already there" in state["message"]
    assert team.place(again) != team.place(runs[0])
    assert team.tasks(again)["train_gan"] == "Restored"
    assert len(team.branches()) == 2
    for name in team.clones:
        assert "tell-nobody" not in (team.folder / f"{name}.log").read_text()


def test_a_stranger_gets_nothing_from_the_server(hub: Hub) -> None:
    assert httpx.post(f"{hub.server.url}/work_pools/filter", json={}).status_code == 401
    assert hub.server.ask("/work_pools/filter", {})


def test_results_show_in_prefects_page(hub: Hub, team: Team, browser: Any) -> None:
    """The grid is there without any address but the server's, the numbers with their baselines."""
    artifacts = {a["key"]: a for a in hub.server.ask("/artifacts/filter", {"sort": "KEY_ASC"})}
    assert artifacts["report"]["data"].startswith("[")
    assert "file:///" in artifacts["report"]["data"]
    home = hub.server.url.removesuffix("/api")
    with watched(browser, home) as watch:
        page = watch.page
        page.add_init_script(f"localStorage.setItem('prefect-password', btoa('{AUTH}'))")
        page.goto(f"{home}/artifacts/artifact/{artifacts['samples']['id']}")
        picture = page.locator("img[src^='data:image']")
        picture.wait_for()
        assert picture.evaluate("image => image.naturalWidth") > 50
        assert page.get_by_text(".ganflow/reports/retrain-").count() == 1
        watch.keep("prefect-samples")
        for key, said in (("metrics", "Fréchet distance"), ("verdict", "The gate passes")):
            page.goto(f"{home}/artifacts/artifact/{artifacts[key]['id']}")
            page.get_by_text(said).first.wait_for()
            watch.keep(f"prefect-{key}")


@pytest.fixture(scope="module")
def local(
    hub: Hub, trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["subprocess.Popen[bytes]"]:
    """The deployments of prefect.yaml, made in the trained project, and a worker for them."""
    server, pool = hub.server, trained.name
    server.prefect("work-pool", "create", pool, "--type", "process", cwd=trained, check=False)
    server.prefect("--no-prompt", "deploy", "--all", cwd=trained)
    worker = server.start_worker(
        tmp_path_factory.mktemp("local") / "worker.log",
        pool=pool,
        GANFLOW_CHECKPOINT_SECONDS="0",
        **KEYS,
    )
    yield worker
    stop(worker)


def test_the_doctor_finds_everything_in_order(
    hub: Hub, trained: Path, installed: Installed, local: "subprocess.Popen[bytes]"
) -> None:
    deadline = time.monotonic() + PATIENCE
    wrong = ["not asked yet"]
    while wrong and time.monotonic() < deadline:  # the worker may not be online yet
        done = installed.attempt(
            *("ganflow", "doctor", "--json"), cwd=trained, **hub.server.environment, **KEYS
        )
        checks = json.loads(done.stdout)
        wrong = [check for check in checks if not check["good"]]
    assert (done.returncode, wrong) == (0, [])
    assert {"DVC storage", "worker"} <= {check["name"] for check in checks}


def test_the_readmes_own_command(
    hub: Hub, trained: Path, team: Team, local: "subprocess.Popen[bytes]"
) -> None:
    """As it stands there, but for the project's name and the training's length.

    Others had a training of this length already.
    """
    page = (ROOT / "README.md").read_text()
    (line,) = re.findall(r"^prefect (deployment run retrain/nightly .*)$", page, re.M)
    line = line.replace("retrain/nightly", f"retrain/{trained.name}-nightly")
    words = [word.replace("200000", "704") for word in shlex.split(line)]
    assert words[-1] == "--watch"
    before = team.branches()
    said = hub.server.prefect(*words, cwd=trained)  # which holds it to exit status 0
    assert "finished successfully in 'Proposed'" in " ".join(said.split())
    run_id = started(said)
    assert "already there" in team.end(run_id)["message"]
    assert team.tasks(run_id)["train_gan"] == "Restored"
    assert team.branches() == before


def test_the_report_and_the_studio_of_the_trained_model_open(
    trained: Path, installed: Installed, browser: Any
) -> None:
    report = (trained / "data/report/index.html").as_uri()
    with watched(browser, report) as watch:
        watch.page.goto(report)
        assert watch.complaints == watch.outside == []
    with installed.studio(trained) as address, watched(browser, address) as watch:
        watch.page.set_default_timeout(60_000)
        watch.page.goto(address)
        settled(watch)
        assert "10 classes" in watch.page.inner_text("#summary")
        assert watch.complaints == watch.outside == []


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def logs(server: Server, run_id: str) -> str:
    asked = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200, "sort": "TIMESTAMP_ASC"}
    return "\n".join(line["message"] for line in server.ask("/logs/filter", asked))


def test_a_training_that_is_cancelled_midway_resumes(
    hub: Hub, trained: Path, local: "subprocess.Popen[bytes]"
) -> None:
    server = hub.server

    def start() -> str:
        name = f"pipeline/{trained.name}-local"
        return started(server.prefect("deployment", "run", name, cwd=trained))

    model, lock = contents(trained / "data/model"), (trained / "dvc.lock").read_bytes()
    parameters.edit({"train.images": 24_000}, trained / "params.yaml")
    first = start()
    checkpoints = trained / ".ganflow/checkpoints"
    deadline = time.monotonic() + 300
    while not list(checkpoints.glob("*/latest")):
        assert time.monotonic() < deadline, logs(server, first)
        time.sleep(0.2)
    started_by_worker = process_tree(local.pid)[1:]
    assert started_by_worker
    server.ask(f"/flow_runs/{first}/set_state", {"state": {"type": "CANCELLING"}})
    wait_for_state(server, first, {"Cancelled"})
    wait_until_gone(started_by_worker)
    assert contents(trained / "data/model") == model
    assert (trained / "dvc.lock").read_bytes() == lock

    second = start()
    wait_for_state(server, second, {"Completed"}, 600)
    resumed = re.search(r"resumed after (\d+) images", logs(server, second))
    assert resumed, logs(server, second)
    assert 0 < int(resumed[1]) < 24_000
    assert contents(trained / "data/model") != model
    assert not [pid for pid in started_by_worker if alive(pid)]
    shutil.rmtree(checkpoints, ignore_errors=True)
