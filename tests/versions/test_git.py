"""git and DVC are each called from one module, and a call of git never waits for a password."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.versions import git

ROOT = Path(__file__).parents[2]


def started_by(path: Path) -> set[str]:
    """Which of git and dvc the list literals of a module start."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.List | ast.Tuple):
            continue
        words = [one.value if isinstance(one, ast.Constant) else None for one in node.elts]
        found |= {"git", "dvc"} & {*words[:1]}
        found |= {"dvc"} & {b for a, b in pairwise(words) if a == "-m"}
    return {str(one) for one in found}


def test_git_and_dvc_are_each_called_from_one_module() -> None:
    modules = [*(ROOT / "src").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): started_by(path) for path in modules}
    assert {path: tools for path, tools in found.items() if tools} == {
        "src/ganflow/versions/git.py": {"git"},
        "src/ganflow/versions/dvc.py": {"dvc"},
    }


def test_the_error_quotes_git_without_credentials(tmp_path: Path) -> None:
    git.run("init", "--quiet", cwd=tmp_path)
    address = "https://team:tell-nobody@127.0.0.1:9/x.git"
    with pytest.raises(GanflowError, match="no answer here") as caught:
        git.run("ls-remote", address, cwd=tmp_path, what="no answer here", remedy="git remote")
    assert "127.0.0.1:9/x.git" in str(caught.value)
    assert "tell-nobody" not in str(caught.value)
    assert "git remote" in str(caught.value)


def test_the_content_of_a_file_is_returned_byte_for_byte(tmp_path: Path) -> None:
    git.run("init", "--quiet", cwd=tmp_path)
    (tmp_path / "file").write_bytes(b"\xff\r\n\x00 https://a:b@c/")
    git.run("add", "file", cwd=tmp_path)
    git.run("commit", "-qm", "file", cwd=tmp_path)
    content = (tmp_path / "file").read_bytes()
    assert git.content_at(Path("file"), git.commit_of("HEAD", tmp_path), tmp_path) == content
    assert git.content_at(Path("other"), "HEAD", tmp_path) is None


def test_a_repository_of_another_user_is_refused_with_git_s_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git.run("init", "--quiet", cwd=tmp_path)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for ask in (git.commit_of, git.run):
        with pytest.raises(GanflowError, match="belongs to another user") as caught:
            ask("status", cwd=tmp_path)
        assert f"git config --global --add safe.directory {tmp_path}" in str(caught.value)
