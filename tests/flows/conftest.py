"""A small project with the six stages of ganflow, which run in no time; its clones; a server."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
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
    value = 2.0 + sum(text.encode()) % 97 / 100
    (out / "metrics.json").write_text(json.dumps(
        {"fd": {"value": value, "baseline": 1.0, "ratio": value}, "profile": "quick",
         "evaluator": "0123456789abcdef"}))
else:
    out.mkdir(parents=True, exist_ok=True)
    (out / "file.txt").write_text("".join(Path(s).read_text() for s in sources) + name + "\\n")
if name == "train":
    live = Path(os.environ.get("GANFLOW_STATE") or ".ganflow", "live")
    run = live / f"{time.time_ns()}-train"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"what": "train", "project": os.getcwd()}))
    (run / "quality.csv").write_text("images,fd\\n128000,2.5\\n")
for number in (1, 2, 3):
    print(f"progress: {name} {number}/3 images, 0 %, 1 images/s, 0:00 left", flush=True)
if words[:1] == ["fail"]:
    print("something broke", file=sys.stderr)
    sys.exit(int(words[1]) if words[1:] else 1)
if words[:1] == ["hang"]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("faults", "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
if words[:1] == ["full"]:
    Path("/dev/full").write_text("x" * 100000)
if words[:1] == ["wait"]:
    Path("faults", "pids").write_text(f"{os.getpid()} {os.getpid()}")
    while fault.exists():
        time.sleep(0.1)
if words[:1] == ["secrets"]:
    Path("faults", "seen").write_text(json.dumps(dict(os.environ)))
"""

DVC_YAML = """
stages:
  prepare:
    cmd: python stage.py prepare data/prepared data/raw/mnist/images.txt
    deps: [data/raw/mnist/images.txt, stage.py]
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


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed, and return what it printed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def dvc(*arguments: str, cwd: Path) -> str:
    return run(sys.executable, "-m", "dvc", *arguments, cwd=cwd)


def set_seed(project: Path, seed: int) -> None:
    (project / "params.yaml").write_text(f"seed: {seed}\ntrain: {{images: 128000}}\n")


@pytest.fixture(autouse=True)
def quiet_tools(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """DVC as it is started here: this interpreter first.

    A training elsewhere on this machine does not keep the tests waiting.
    """
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.delenv("GANFLOW_STATE", raising=False)


def write_stages(folder: Path) -> None:
    """Write the stages that run in no time, their parameters and their data."""
    (folder / "data/raw/mnist").mkdir(parents=True)
    (folder / "data/raw/mnist/images.txt").write_text("images\n")
    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "params.yaml").write_text("seed: 0\ntrain: {images: 128000}\n")
    (folder / "faults").mkdir()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built once and committed; tests copy it."""
    folder = tmp_path_factory.mktemp("template") / "project"
    write_stages(folder)
    (folder / ".gitignore").write_text("/.ganflow\n/faults\n")
    with pytest.MonkeyPatch.context() as patch:
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
    """Give a stage a fault for its next run: `fail`, `fail 75`, `hang`, `secrets`."""

    def set_fault(stage: str, words: str) -> None:
        (project / "faults" / stage).write_text(words)

    return set_fault


ROOT = Path(__file__).parents[2]

# Time limit of every wait, in seconds. It is long because the machine may be busy, and only a
# failing test waits that long.
PATIENCE = 120


PREFECT = (sys.executable, "-m", "prefect")
"""The `prefect` command of this interpreter."""


@dataclass(frozen=True)
class Server:
    """A running Prefect server: what its clients need in their environment."""

    url: str
    environment: dict[str, str]
    program: tuple[str, ...] = PREFECT

    def prefect(self, *arguments: str, cwd: Path, check: bool = True) -> str:
        """Run the `prefect` command against this server."""
        done = subprocess.run(
            [*self.program, *arguments],
            cwd=cwd,
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST to the server's API (GET without a body)."""
        user, _, password = self.environment.get("PREFECT_API_AUTH_STRING", "").partition(":")
        done = httpx.request(
            "GET" if body is None else "POST",
            f"{self.url}{path}",
            json=body,
            auth=(user, password) if user else None,
        )
        done.raise_for_status()
        return done.json() if done.content else None

    def start_worker(
        self, log: Path, *options: str, pool: str = "ganflow", **environment: str
    ) -> "subprocess.Popen[bytes]":
        """A worker process in a session of its own, so that it can be killed alone."""
        words = ("worker", "start", "--pool", pool, "--type", "process")
        with log.open("ab") as stream:
            return subprocess.Popen(
                [*self.program, *words, *options],
                env={**self.environment, **environment},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )


def alive(pid: int) -> bool:
    """Whether the process runs (one that has ended and was not yet collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def hung_processes(project: Path) -> list[int]:
    """Wait for the processes of a stage with the fault `hang`; return their ids."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        pids = project / "faults" / "pids"
        if pids.exists() and len(pids.read_text().split()) == 2:
            return [int(pid) for pid in pids.read_text().split()]
        time.sleep(0.05)
    raise AssertionError("the stage has not started")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process that a test started: SIGTERM, then SIGKILL."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real Prefect server on a free port of the loopback, shared by all tests."""
    with running_server(tmp_path_factory.mktemp("prefect"), free_port()) as found:
        yield found
        _drain_prefect()


@contextlib.contextmanager
def running_server(
    home: Path,
    port: int,
    *options: str,
    program: tuple[str, ...] = PREFECT,
    folder: Path = ROOT,
    surroundings: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[Server]:
    """A server with its database in `home`; without `options` it serves no page.

    Args:
        program: the `prefect` command of the server and of its clients.
        folder: where it is started; its prefect.toml has the settings.
        surroundings: the environment, without Prefect's variables; by default the one of this
            process, with this checkout's code.
    """
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **(_surroundings() if surroundings is None else surroundings),
        "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1",
        "TMPDIR": str(home),
        "GANFLOW_TAKE_OVER": "1",  # every test deploys a project of its own
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        # A new schedule may have to wait for the scheduler's next round, a minute by default.
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
        **settings,
    }
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(*program, "server", "start", "--host", "127.0.0.1", "--port", str(port)),
                *(options or ("--no-ui",)),
            ],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_healthy(url, process, home / "server.log")
            yield Server(url, environment, program)
        finally:
            stop(process)


def _surroundings() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return {**kept, "PATH": path, "PYTHONPATH": f"{ROOT / 'src'}"}


def _drain_prefect() -> None:
    """Send this process's logs and events before the server stops."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    EventsWorker.drain_all(timeout=10)


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def deployable(project: Path) -> Path:
    """The project with this repository's flows and deployments, committed."""
    _add_flows(project)
    return project


def _add_flows(project: Path) -> None:
    (project / "flows").symlink_to(ROOT / "flows")
    shutil.copy(ROOT / "prefect.yaml", project)
    run("git", "add", "--all", cwd=project)
    run("git", "commit", "--quiet", "--message=Flows", cwd=project)


@pytest.fixture
def deployed(deployable: Path, server: Server) -> Path:
    """The project with its deployments on the server."""
    server.prefect(
        "work-pool", "create", "ganflow", "--type", "process", cwd=deployable, check=False
    )
    server.prefect("--no-prompt", "deploy", "--all", cwd=deployable)
    return deployable


@pytest.fixture
def cleanup() -> Iterator[contextlib.ExitStack]:
    """Ends the processes of a test, however the test ends."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def worker(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A worker that serves the pool `ganflow` for the session; its log file."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    process = server.start_worker(log)
    yield log
    stop(process)


@pytest.fixture(scope="session")
def shared_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project, the bare repository it is a clone of, and its DVC remote."""
    folder = tmp_path_factory.mktemp("shared")
    project = Path(shutil.copytree(template, folder / "project", symlinks=True))
    (folder / "storage").mkdir()
    dvc("remote", "add", "--default", "storage", "../storage", cwd=project)
    _add_flows(project)
    dvc("push", "--quiet", "--run-cache", cwd=project)
    run("git", "clone", "--quiet", "--bare", "project", "origin.git", cwd=folder)
    run("git", "remote", "add", "origin", str(folder / "origin.git"), cwd=project)
    return folder


@pytest.fixture
def shared(shared_template: Path, tmp_path: Path) -> Path:
    """The project as a clone of a bare repository, with a DVC remote in a folder."""
    for name in ("project", "origin.git", "storage"):
        shutil.copytree(shared_template / name, tmp_path / name, symlinks=True)
    project = tmp_path / "project"
    run("git", "remote", "set-url", "origin", str(tmp_path / "origin.git"), cwd=project)
    run("git", "fetch", "--quiet", "origin", cwd=project)
    return project


@pytest.fixture
def here(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Run flows in this process, in a given folder, against the shared server."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    def go(folder: Path) -> None:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("GANFLOW_STATE", str(folder / ".ganflow"))

    with temporary_settings({PREFECT_API_URL: server.url}):
        yield go


def branches(project: Path) -> dict[str, str]:
    """Origin's branches and their commits."""
    lines = run("git", "ls-remote", "--heads", "origin", cwd=project).splitlines()
    return {line.split("refs/heads/")[1]: line.split()[0] for line in lines}


def proposed(project: Path) -> list[str]:
    return [name for name in branches(project) if name.startswith("retrain/")]


@pytest.fixture
def lenient(shared: Path) -> Path:
    """A project whose gate passes every finite number."""
    (shared / "params.yaml").write_text(
        "seed: 0\ntrain: {images: 128000}\ngate: {limits: {fd.ratio: {most: 100}}, compare: {}}\n"
    )
    publish(shared)
    return shared


def publish(project: Path) -> None:
    run("git", "commit", "--quiet", "--all", "--message=Another", cwd=project)
    run("git", "push", "--quiet", "origin", "main", cwd=project)


def cloned(branch: str, folder: Path) -> Path:
    """A new clone of one branch of `folder`/origin.git."""
    clone = folder / "clone"
    origin = str(folder / "origin.git")
    run("git", "clone", "--quiet", f"--branch={branch}", origin, str(clone), cwd=folder)
    return clone
