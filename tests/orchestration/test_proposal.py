"""Branches and pull requests, with scripts in place of `gh` and `glab`."""

import json
import os
import stat
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.orchestration import proposal
from ganflow.versions.git import commit_of
from tests.flows.conftest import run


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def fake_tool(folder: Path, tool: str, answers: dict[str, str]) -> Path:
    """A script that records its arguments and prints the answer for the first two."""
    calls = folder / f"{tool}.calls"
    cases = "\n".join(f'"{words}") echo {json.dumps(said)};;' for words, said in answers.items())
    script = folder / tool
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\ncase "$1 $2" in\n{cases}\n*) exit 1;;\nesac\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return calls


def pushed(shared: Path) -> proposal.Proposal:
    return proposal.Proposal("retrain/abc", commit_of("HEAD", shared), "pushed")


def at(shared: Path, address: str) -> None:
    run("git", "remote", "set-url", "origin", address, cwd=shared)


def test_without_a_tool_the_run_ends_with_the_exact_command(shared: Path) -> None:
    opened = proposal.open_request(shared, pushed(shared), "main", "A title", "text")
    assert opened.command.startswith(
        "gh pr create --head retrain/abc --base main --title 'A title'"
    )


def test_a_pull_request_is_opened_once_and_then_updated(shared: Path, bin_folder: Path) -> None:
    at(shared, "https://github.com/someone/something")
    calls = fake_tool(bin_folder, "gh", {"pr create": "https://github.com/s/s/pull/7"})
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "$(touch evil)")
    assert (opened.state, opened.address) == ("opened", "https://github.com/s/s/pull/7")
    assert "$(touch evil)" in calls.read_text()
    assert not (shared / "evil").exists()
    calls = fake_tool(bin_folder, "gh", {"pr edit": "https://github.com/s/s/pull/7"})
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "text")
    assert (opened.state, opened.address) == ("updated", "https://github.com/s/s/pull/7")
    assert "pr edit retrain/abc --body text" in calls.read_text()


def test_gitlab_is_served_by_its_own_tool(shared: Path, bin_folder: Path) -> None:
    at(shared, "git@gitlab.example.org:someone/something.git")
    calls = fake_tool(bin_folder, "glab", {"mr create": "https://gitlab/mr/3"})
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "text")
    assert opened.address == "https://gitlab/mr/3"
    assert "--source-branch retrain/abc --target-branch main" in calls.read_text()


def test_a_tool_that_fails_leaves_the_command(shared: Path, bin_folder: Path) -> None:
    at(shared, "https://github.com/someone/something")
    fake_tool(bin_folder, "gh", {})
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "text")
    assert opened.state == "pushed"
    assert opened.command.startswith("gh pr create")


def test_equal_inputs_give_the_same_branch_and_others_another(shared: Path) -> None:
    name = proposal.branch_name(shared, "a" * 40)
    assert name == proposal.branch_name(shared, "a" * 40)
    assert name != proposal.branch_name(shared, "b" * 40)
    (shared / "params.yaml").write_text("seed: 9\n")
    assert name != proposal.branch_name(shared, "a" * 40)


@pytest.mark.parametrize("revision", ["--upload-pack=touch evil", "$(touch evil)", "no-such"])
def test_a_revision_is_data(shared: Path, revision: str) -> None:
    with pytest.raises(GanflowError, match="git knows no revision"):
        commit_of(revision, shared)
    assert not (shared / "evil").exists()
