"""What a command gets in its environment, and what of its output is logged."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ganflow.orchestration import processes
from ganflow.orchestration.stage import Outcome, reproduce
from tests.flows.conftest import set_seed

Fault = Callable[[str, str], None]


def test_no_token_reaches_a_stage(
    project: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        *("GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "PREFECT_API_KEY", "MY_PASSWORD", "GANFLOW_WEBHOOK"),
        *("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "SSH_AUTH_SOCK", "DATABASE_URL"),
        "GANFLOW_REPOSITORY",
    ):
        monkeypatch.setenv(name, "tell-nobody")
    set_seed(project, 1)
    fault("train", "secrets")
    reproduce("train", project)
    seen = json.loads((project / "faults/seen").read_text())
    assert "tell-nobody" not in seen.values()
    assert seen["DVC_NO_ANALYTICS"] == "1"


def test_python_in_a_stage_is_this_one(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong interpreter first on PATH is passed over."""
    wrong = tmp_path / "bin"
    wrong.mkdir()
    (wrong / "python").write_text("#!/bin/sh\nexit 9\n")
    (wrong / "python").chmod(0o755)
    monkeypatch.setenv("PATH", str(wrong), prepend=":")
    set_seed(project, 1)
    assert reproduce("train", project) is Outcome.RAN


def test_credentials_in_an_address_never_reach_a_log(shared: Path) -> None:
    lines: list[str] = []
    url = "https://someone:tell-nobody@127.0.0.1:9/x.git"
    processes.run(["git", "ls-remote", url], cwd=shared, on_line=lines.append, timeout=60)
    processes.run(["echo", f"pushing to {url}"], cwd=shared, on_line=lines.append)
    assert "tell-nobody" not in "\n".join(lines)
    assert any("https://127.0.0.1:9/x.git" in line for line in lines)
