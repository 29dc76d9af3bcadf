"""What is wrong around the pipeline is found, each with the command that mends it."""

import contextlib
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.cli import main
from ganflow.orchestration.flows.pipeline import pipeline
from ganflow.versions import doctor


def run(*words: str, cwd: Path) -> None:
    subprocess.run(words, cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for side in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{side}_NAME", "A Tester")
        monkeypatch.setenv(f"GIT_{side}_EMAIL", "tester@example.org")
    project = tmp_path / "project"
    project.mkdir()
    run("git", "init", "--quiet", cwd=project)
    run(sys.executable, "-m", "dvc", "init", "--quiet", cwd=project)
    run("git", "commit", "--quiet", "--all", "--message=First", cwd=project)
    return project


def found(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {check.name: check for check in checks}


def test_a_bare_project_lacks_its_remotes_and_says_how_to_add_them(repository: Path) -> None:
    checks = found(doctor.before_retraining(repository))
    wrong = {name for name, check in checks.items() if not check.good}
    assert wrong == {"git remote", "DVC remote"}
    for name in wrong:
        words = checks[name].mend.split("(")[0].split()
        words = [str(repository.parent / w.lower()) if w.isupper() else w for w in words]
        if words[0] == "dvc":
            words = [sys.executable, "-m", *words[:-1], str(repository.parent / "storage")]
        run("git", "init", "--bare", "--quiet", str(repository.parent / "address"), cwd=repository)
        run(*words, cwd=repository)
    checks = found(doctor.before_retraining(repository))
    assert all(check.good for check in checks.values() if check.needed)
    assert checks["DVC storage"].found == "answers"
    assert not checks["working tree"].good, "the new remote is not committed"


def test_a_shallow_clone_is_seen(repository: Path) -> None:
    (repository / "text").write_text("x")
    run("git", "add", "text", cwd=repository)
    run("git", "commit", "--quiet", "--message=Second", cwd=repository)
    clone = repository.parent / "clone"
    run("git", "clone", "--quiet", "--depth=1", f"file://{repository}", str(clone), cwd=repository)
    assert doctor.history(repository).good
    check = doctor.history(clone)
    assert not check.good
    run(*check.mend.split(), cwd=clone)
    assert doctor.history(clone).good


def test_a_repository_that_git_distrusts_is_not_to_be_made_again(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """git's own switch for its tests: as if another user owned the folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    checks = doctor.before_retraining(repository)
    assert not any(word in check.mend for check in checks for word in ("git init", "dvc init"))
    assert not {"git remote", "working tree"} & set(found(checks)), "git would answer neither"
    history = found(checks)["git history"]
    assert "another user" in history.found
    assert history.needed
    run(*shlex.split(history.mend), cwd=tmp_path)
    assert doctor.history(repository).good


def test_a_folder_that_is_no_repository_is_told_to_become_one(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    check = doctor.history(tmp_path / "project")
    assert (check.good, check.mend) == (False, "git init && dvc init")
    (tmp_path / "project/.dvc").mkdir()
    assert doctor.history(tmp_path / "project").mend == "git init"


def test_a_broken_repository_is_told_in_gits_words(repository: Path) -> None:
    (repository / ".git/HEAD").write_text("nonsense")
    check = doctor.history(repository)
    assert not check.good
    assert "init" not in check.mend


def test_what_the_doctor_accepts_a_run_accepts(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ganflow params`, the doctor and the flow say the same of parameters and data."""
    monkeypatch.chdir(repository)
    raw = repository / "data/raw"
    (raw / "mine").mkdir(parents=True)
    cases = [
        (None, "no parameter file"),
        ("seed: x\n", "seed"),
        ("data: {source: faces}\n", "there is no `faces`"),
        ("data: {source: mine}\nmodel: {architecture: 'nets:build'}\n", "in nets.py, which is not"),
    ]
    for text, problem in cases:
        if text:
            (repository / "params.yaml").write_text(text)
        check = doctor.inputs(repository)
        assert not check.good
        assert check.needed
        assert problem in check.found
        assert check.mend
        assert main(["params"]) > 0
        assert check.found.splitlines()[0] in capsys.readouterr().err
        with pytest.raises(GanflowError, match=problem):
            pipeline.fn()
    (repository / "nets.py").write_text("def build(design, policy): ...\n")
    assert doctor.inputs(repository).good
    assert main(["params"]) == 0


def test_a_server_that_is_not_there_is_not_started(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (check,) = doctor.orchestration(repository)
    assert not check.good
    assert not (tmp_path / "prefect/prefect.db").exists()


def test_uncommitted_changes_are_a_note_and_no_obstacle(repository: Path) -> None:
    (repository / "text").write_text("x")
    check = doctor.tree(repository)
    assert not check.good
    assert not check.needed


def test_too_little_disk_is_found_before_a_training(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)
    check = doctor.free_disk(repository)
    assert not check.good
    assert "housekeeping" in check.mend


def test_a_remote_that_does_not_answer_is_told_in_dvcs_words(repository: Path) -> None:
    (repository / "text").write_text("x")
    run(sys.executable, "-m", "dvc", "add", "--quiet", "text", cwd=repository)
    storage = repository.parent / "storage"
    run(sys.executable, "-m", "dvc", "remote", "add", "-d", "st", str(storage), cwd=repository)
    storage.write_text("a file where a folder should be")
    check = found([*doctor.answering(repository)])["DVC storage"]
    assert not check.good
    assert "Not a directory" in check.found
    assert check.needed


def test_a_slow_remote_is_no_obstacle(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(sys.executable, "-m", "dvc", "remote", "add", "-d", "st", "../storage", cwd=repository)
    monkeypatch.setattr(doctor, "storage", lambda project: doctor.Check("DVC remote", True, "st"))
    monkeypatch.setattr(doctor, "SECONDS", 0.01)
    check = found([*doctor.answering(repository)])["DVC storage"]
    assert not check.good
    assert not check.needed


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("hub", False)],
)
def test_who_reaches_a_server(host: str, alone: bool) -> None:
    assert doctor.is_loopback(host) is alone


def test_a_server_that_serves_strangers_is_told_from_one_that_asks(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status, good in ((200, False), (401, True)):
        with answering(status) as port:
            monkeypatch.setattr(doctor, "is_loopback", lambda host: False)
            monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
            (check,) = doctor.authentication(repository)
            assert check.good is good
            assert "PREFECT_SERVER_API_AUTH_STRING" in check.mend


@contextlib.contextmanager
def answering(status: int) -> Iterator[int]:
    """A server that answers everything with one status; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def test_a_tensorflow_that_another_has_overwritten_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [check.good for check in doctor.versions()] == [True] * 4
    (tmp_path / "tensorflow_cpu-2.21.0.dist-info").mkdir()
    metadata = tmp_path / "tensorflow_cpu-2.21.0.dist-info/METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 2.21.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    wrong = [check for check in doctor.versions() if not check.good]
    assert [(check.name, check.mend.split()[0]) for check in wrong] == [("tensorflow", "pip")]
