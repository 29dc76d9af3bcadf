"""The workflows give nothing away and run nothing that is named by an attacker."""

import re
from typing import Any

import pytest
import yaml

from tests.flows.conftest import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
USED = {
    "actions/checkout",
    "actions/setup-python",
    "actions/cache",
    "actions/upload-artifact",
    "actions/download-artifact",
    "pypa/gh-action-pypi-publish",
}


def jobs() -> list[Any]:
    return [job for file in FILES for job in yaml.safe_load(file.read_text())["jobs"].values()]


def test_every_action_is_known_and_pinned_by_hash() -> None:
    used = [step["uses"] for job in jobs() for step in job["steps"] if "uses" in step]
    assert used
    for action in used:
        name, _, version = action.partition("@")
        assert name in USED
        assert re.fullmatch(r"[0-9a-f]{40}", version)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_permissions_are_least(file: Any) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {}
    triggers = workflow[True]  # `on`, which YAML 1.1 takes for a truth value
    assert "pull_request_target" not in str(triggers)
    for job in workflow["jobs"].values():
        writes = {name for name, level in job["permissions"].items() if level == "write"}
        runs_their_code = any("checkout" in step.get("uses", "") for step in job["steps"])
        assert not (writes and runs_their_code)
        # a comment on the pull request, and the release workflow's proof of what it is
        assert writes <= {"pull-requests", "id-token"}
        assert "id-token" not in writes or list(triggers) == ["push"]


def test_what_comes_from_outside_reaches_a_shell_as_a_variable() -> None:
    for job in jobs():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_nothing_is_trained() -> None:
    for job in jobs():
        for step in job["steps"]:
            assert not re.search(
                r"dvc repro(?!.*--dry)|make run|make repro|exp run", step.get("run", "")
            )


def test_a_command_that_fails_before_a_pipe_fails_its_step() -> None:
    for file in FILES:
        assert yaml.safe_load(file.read_text())["defaults"]["run"]["shell"] == "bash"
