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
    """A script that records its arguments, and has an answer for those of a pattern."""
    calls = folder / f"{tool}.calls"
    cases = "\n".join(
        pattern.replace(" ", r"\ ") + f") echo {json.dumps(said)};;"
        for pattern, said in answers.items()
    )
    script = folder / tool
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\ncase "$*" in\n{cases}\n*) exit 1;;\nesac\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return calls


def pushed(shared: Path) -> proposal.Proposal:
    return proposal.Proposal("retrain/abc", commit_of("HEAD", shared), "pushed")


def at(shared: Path, address: str) -> None:
    run("git", "remote", "set-url", "origin", address, cwd=shared)


ENTERPRISE = "git@code.example.org:someone/something.git"
"""An address that does not say which service it is."""


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://github.com/a/b", "github.com"),
        ("https://user@code.example.org:8443/a/b.git", "code.example.org"),
        ("ssh://git@code.example.org:2222/a/b.git", "code.example.org"),
        ("git@code.example.org:a/b.git", "code.example.org"),
        ("code.example.org:a/b.git", "code.example.org"),
        ("/srv/git/github.com/b.git", ""),
        ("../origin.git", ""),
        ("file:///srv/origin.git", ""),
    ],
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert proposal.host_of(address) == host


@pytest.mark.parametrize(
    "address", [None, ENTERPRISE, "https://github.example.org/a/b", "git@gitlab.example.org:a/b"]
)
def test_a_remote_that_no_client_knows_gets_a_plain_merge(
    shared: Path, bin_folder: Path, address: str | None
) -> None:
    """Whatever words are in its address."""
    if address:
        at(shared, address)
    for tool in ("gh", "glab"):
        fake_tool(bin_folder, tool, {})
    opened = proposal.open_request(shared, pushed(shared), "main", "A title", "text")
    assert (opened.state, opened.address) == ("pushed", "")
    assert "gh pr" not in opened.command
    assert "git merge --no-ff origin/retrain/abc" in opened.command


def test_the_plain_merge_is_one(shared: Path, tmp_path: Path) -> None:
    """The command, run in another clone, brings the branch to main."""
    run("git", "commit", "--quiet", "--allow-empty", "--message=Model", cwd=shared)
    proposal.push(shared, "retrain/abc")
    opened = proposal.open_request(shared, pushed(shared), "main", "A title", "text")
    other = tmp_path / "other"
    run("git", "clone", "--quiet", str(tmp_path / "origin.git"), str(other), cwd=tmp_path)
    run("sh", "-c", opened.command.replace("--no-ff", "--no-ff --no-edit"), cwd=other)
    merged = run("git", "log", "--format=%s", "main", cwd=tmp_path / "origin.git").splitlines()
    assert "Model" in merged


@pytest.mark.parametrize("address", ["https://github.com/someone/something", ENTERPRISE])
def test_a_pull_request_is_opened_once_and_then_updated(
    shared: Path, bin_folder: Path, address: str
) -> None:
    at(shared, address)
    known = {f"auth status --hostname {proposal.host_of(address)}": ""}
    request = "https://github.com/s/s/pull/7"
    calls = fake_tool(bin_folder, "gh", {**known, "pr create *": request})
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "$(touch evil)")
    assert (opened.state, opened.address) == ("opened", request)
    assert "$(touch evil)" in calls.read_text()
    assert not (shared / "evil").exists()
    calls = fake_tool(bin_folder, "gh", {**known, "pr edit *": request})
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "text")
    assert (opened.state, opened.address) == ("updated", request)
    assert "pr edit retrain/abc --body text" in calls.read_text()


def test_gitlab_is_served_by_its_own_tool(shared: Path, bin_folder: Path) -> None:
    at(shared, ENTERPRISE)
    fake_tool(bin_folder, "gh", {"auth status --hostname github.com": ""})
    known = {"auth status --hostname code.example.org": "", "mr create *": "https://code/mr/3"}
    calls = fake_tool(bin_folder, "glab", known)
    opened = proposal.open_request(shared, pushed(shared), "main", "Title", "text")
    assert opened.address == "https://code/mr/3"
    assert "--source-branch retrain/abc --target-branch main" in calls.read_text()


def test_a_tool_that_fails_leaves_its_command(shared: Path, bin_folder: Path) -> None:
    at(shared, ENTERPRISE)
    fake_tool(bin_folder, "gh", {"auth status --hostname code.example.org": ""})
    opened = proposal.open_request(shared, pushed(shared), "main", "A title", "text")
    assert opened.state == "pushed"
    assert opened.command.startswith(
        "gh pr create --head retrain/abc --base main --title 'A title'"
    )


def test_a_commit_is_signed_where_git_is_set_to_sign(shared: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key, cwd=tmp_path)
    signers = tmp_path / "signers"
    signers.write_text(f"tester@example.org {(tmp_path / 'key.pub').read_text()}")
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingkey", key),
        ("commit.gpgsign", "true"),
        ("gpg.ssh.allowedSignersFile", signers),
    ):
        run("git", "config", name, value, cwd=shared)
    (shared / "params.yaml").write_text("seed: 9\n")
    assert proposal.stage_changes(shared, commit_of("HEAD", shared))
    proposal.commit(shared, "A title", "text")
    run("git", "verify-commit", "HEAD", cwd=shared)


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
