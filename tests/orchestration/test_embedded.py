"""`python -m flows.pipeline`: a flow run without a separate Prefect server."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.conftest import ROOT

pytestmark = pytest.mark.slow

Fault = Callable[[str, str], None]


@contextmanager
def foreign_server() -> Iterator[tuple[str, list[object]]]:
    """A server that records every connection, in place of a cloud account."""
    calls: list[object] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def note() -> None:
            while True:
                try:
                    connection, caller = listener.accept()
                except OSError:
                    return
                calls.append(caller)
                connection.close()

        threading.Thread(target=note, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api", calls
        listener.shutdown(socket.SHUT_RDWR)


def demonstrate(project: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "flows.pipeline"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **environment},
        text=True,
        capture_output=True,
        check=False,
    )


def test_a_demonstration_reaches_no_cloud_account(project: Path, tmp_path: Path) -> None:
    with foreign_server() as (address, calls):
        home = tmp_path / "home"
        (home / ".prefect").mkdir(parents=True)
        (home / ".prefect/profiles.toml").write_text(
            f'active = "cloud"\n[profiles.cloud]\nPREFECT_API_URL = "{address}"\n'
            'PREFECT_API_KEY = "key"\n'
        )
        (project / ".env").write_text(f"PREFECT_API_URL={address}\nPREFECT_API_KEY=key\n")
        (project / "prefect.toml").write_text(f'[api]\nurl = "{address}"\n')
        done = demonstrate(
            project,
            HOME=str(home),
            PREFECT_API_URL=address,
            PREFECT_API_KEY="key",
            PREFECT_PROFILE="cloud",
            PREFECT_CLOUD_API_URL=address,
        )
    assert calls == []
    assert done.returncode == 0, done.stderr
    assert "no stage had to run" in done.stdout
    assert "data/evaluation/metrics.json" in done.stdout
    assert (project / ".ganflow/prefect/prefect.db").exists()


def test_a_failure_is_one_readable_error(project: Path, fault: Fault) -> None:
    (project / "params.yaml").write_text("seed: 1\ntrain: {images: 128000}\n")
    fault("train", "fail")
    done = demonstrate(project)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error: stage train failed") == 1
    assert "something broke" in done.stderr


def test_a_wrong_parameter_is_reported_before_the_flow_starts(project: Path) -> None:
    (project / "params.yaml").write_text("seed: 1\ntrain: {imges: 128000}\n")
    done = demonstrate(project)
    assert done.returncode == 1
    assert "Did you mean images" in done.stderr
    assert not (project / ".ganflow/prefect/prefect.db").exists()
