"""What the proofs share: one browser, one PostgreSQL with a server on it, one S3, one project."""

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import (
    Server,
    cleanup,
    free_port,
    project,
    run,
    running_server,
    template,
)
from tests.system import project as miniature
from tests.system.browser import chromium
from tests.system.postgres import postgresql

__all__ = ["cleanup", "project", "template"]  # fixtures of the flows' tests, used here too

AUTH = "team:tell-nobody"
BUCKET = "team"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as program:
        yield program


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
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "home").mkdir()
    port = free_port()
    with postgresql() as database, contextlib.ExitStack() as running:

        def start() -> contextlib.AbstractContextManager[Server]:
            return running_server(
                folder / "home",
                port,
                "--ui",
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
def trained(tmp_path_factory: pytest.TempPathFactory, storage: dict[str, str]) -> Iterator[Path]:
    """This project in miniature with all its results, in git, in `origin.git` and in S3."""
    folder = tmp_path_factory.mktemp("team") / "project"
    folder.mkdir()
    miniature.write_project(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in miniature.environment().items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", f"{folder / 'src'}{os.pathsep}{folder}")
        miniature.publish(folder, folder.parent / "origin.git", storage)
        yield folder


@pytest.fixture
def copy(project: Path) -> Path:
    """The project of stages that take no time, with this repository's flows, committed."""
    (project / "flows").symlink_to(miniature.ROOT / "flows")
    shutil.copy(miniature.ROOT / "prefect.yaml", project)
    run("git", "add", "--all", cwd=project)
    run(*miniature.AS_TESTER, "commit", "--quiet", "--message=Flows", cwd=project)
    return project


def started(said: str) -> str:
    """The id of the run that `prefect deployment run` speaks of."""
    found = re.search(r"UUID: (\S+)", said)
    assert found, said
    return found[1]
