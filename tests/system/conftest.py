"""What the proofs share: one installed wheel, browser, S3, project, and server on PostgreSQL.

Servers, workers, flow runs, stages and commands are those of the wheel, in projects that its
`ganflow init` has made. Four kinds of tests are of this checkout: those that open pages in a
browser which this process serves, as their models and numbers are made up; those of the
Dockerfile, the workflows and deployments/docker.yaml, which no project of `ganflow init` has; the
image, which installs from the checkout; and, in tests/stages, those that change a stage's code.
"""

import contextlib
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Server, cleanup, free_port, running_server, write_stages
from tests.system.browser import chromium
from tests.system.installed import Installed, install
from tests.system.postgres import postgresql
from tests.system.project import init_project, publish

__all__ = ["cleanup"]  # a fixture of the flows' tests, used here too

AUTH = "team:tell-nobody"
BUCKET = "team"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as program:
        yield program


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """ganflow from its wheel."""
    return install(tmp_path_factory.mktemp("installed"))


@dataclass
class Hub:
    """A team's Prefect: a server on PostgreSQL that asks who calls, and can be restarted."""

    start: Callable[[], contextlib.AbstractContextManager[Server]]
    running: contextlib.ExitStack
    server: Server

    def restart(self) -> None:
        self.running.close()
        self.server = self.running.enter_context(self.start())


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory, installed: Installed) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "home").mkdir()
    installed.run("ganflow", "init", "hub", cwd=folder)  # for its prefect.toml
    port = free_port()
    with postgresql() as database, contextlib.ExitStack() as running:

        def start() -> contextlib.AbstractContextManager[Server]:
            return running_server(
                folder / "home",
                port,
                "--ui",
                program=(str(installed.bin / "prefect"),),
                folder=folder / "hub",
                surroundings=installed.environment(),
                PREFECT_API_DATABASE_CONNECTION_URL=database,
                PREFECT_SERVER_API_AUTH_STRING=AUTH,
                PREFECT_API_AUTH_STRING=AUTH,
                # So that nobody has to wait for minutes here.
                PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION="30",
                PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS="2",
                PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS="2",
                PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS="2",
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30",
            )

        yield Hub(start, running, running.enter_context(start()))


@pytest.fixture(scope="session")
def storage() -> Iterator[dict[str, str]]:
    """An S3 API on loopback, as the settings of a DVC remote."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "tell-nobody"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**keys, "AWS_DEFAULT_REGION": "us-east-1"}.items():
            patch.setenv(name, value)
        boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
        yield {"url": f"s3://{BUCKET}/store", "endpointurl": f"http://{host}:{port}"}
    server.stop()


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, storage: dict[str, str], installed: Installed
) -> Path:
    """A project of `ganflow init` with all its results, in git, in `origin.git` and in S3."""
    folder = tmp_path_factory.mktemp("team") / "project"
    init_project(folder, installed)
    publish(folder, folder.parent / "origin.git", storage, installed)
    return folder


@pytest.fixture(scope="session")
def quick_template(tmp_path_factory: pytest.TempPathFactory, installed: Installed) -> Path:
    """A project of `ganflow init` whose stages take no time, built once and committed."""
    folder = tmp_path_factory.mktemp("template") / "quick"
    installed.run("ganflow", "init", folder.name, cwd=folder.parent)
    write_stages(folder)
    with (folder / ".gitignore").open("a") as stream:
        stream.write("/faults\n")
    installed.run("dvc", "repro", "--quiet", cwd=folder)
    installed.run("git", "add", "--all", cwd=folder)
    installed.run("git", "commit", "--quiet", "--message=First", cwd=folder)
    return folder


@pytest.fixture
def quick(quick_template: Path, tmp_path: Path) -> Path:
    """A copy of that project in which every stage is up to date."""
    return Path(shutil.copytree(quick_template, tmp_path / quick_template.name, symlinks=True))


def started(said: str) -> str:
    """The id of the run that `prefect deployment run` speaks of."""
    found = re.search(r"UUID: (\S+)", said)
    assert found, said
    return found[1]
