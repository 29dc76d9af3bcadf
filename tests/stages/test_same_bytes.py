"""The same inputs give the same bytes wherever and however the stages run, through DVC itself."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.project import write_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MARK = """
from ganflow.base import files as _files
_write_json = _files.write_json
def write_json(path, value):
    _write_json(path, {**value, "ran": "MARK"} if path.name == "dataset.json" else value)
"""


def start(project: Path, *words: str, **settings: str | None) -> "subprocess.Popen[str]":
    """Start a command of this environment in `project`, as somebody else's shell would."""
    folder = Path(sys.executable).parent
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "DVC_", "GANFLOW_", "PYTHON"))
    }
    given = {**kept, "PATH": f"{folder}:{os.environ['PATH']}", **settings}
    return subprocess.Popen(
        words,
        cwd=project,
        env={name: value for name, value in given.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(project: Path, *words: str, **settings: str | None) -> str:
    process = start(project, *words, **settings)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with its results, committed."""
    folder = tmp_path_factory.mktemp("original") / "project"
    folder.mkdir()
    write_project(folder)
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    run(folder, "git", "add", "--all")
    run(folder, "dvc", "repro", "--quiet")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message=First")
    return folder


@pytest.fixture
def project(original: Path) -> Path:
    yield original
    run(original, "git", "checkout", "--quiet", "--force", "main")
    run(original, "git", "clean", "--quiet", "--force")


def hostile_home(folder: Path) -> str:
    (folder / ".keras").mkdir(parents=True)
    (folder / ".keras/keras.json").write_text(
        '{"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}'
    )
    return str(folder)


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "settings": {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
        "KERAS_FLOATX": "float16",
        "KERAS_BACKEND": "torch",
        "HOME": "{home}",
    },
    "place": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": "Asia/Kolkata",
        "PYTHONSAFEPATH": "1",
        "PYTHONHASHSEED": "7",
        "HOME": None,
        "XDG_CACHE_HOME": "{home}",
        "XDG_CONFIG_HOME": "{home}",
    },
}


@pytest.mark.parametrize("settings", SURROUNDINGS.values(), ids=SURROUNDINGS.keys())
def test_surroundings_shape_no_byte(
    project: Path, tmp_path: Path, settings: dict[str, str | None]
) -> None:
    home = hostile_home(tmp_path / "home")
    filled = {k: v and v.replace("{home}", home) for k, v in settings.items()}
    mask = os.umask(0o077)
    try:
        run(project, "dvc", "repro", "--force", "--quiet", **filled)
    finally:
        os.umask(mask)
    assert run(project, "git", "status", "--porcelain") == ""


def marked(folder: Path, mark: str) -> None:
    """Change the code of `folder` so that its stage `prepare` says that it has run."""
    path = folder / "src/ganflow/data/prepare.py"
    path.write_text(path.read_text() + MARK.replace("MARK", mark))


def says(folder: Path) -> str:
    text = (folder / "data/prepared/dataset.json").read_text()
    return text.partition('"ran": "')[2].partition('"')[0]


def test_a_copy_and_a_worktree_run_their_own_code(project: Path, tmp_path: Path) -> None:
    copy, worktree = tmp_path / "copy", tmp_path / "worktree"
    shutil.copytree(project, copy, symlinks=True)
    run(project, "git", "worktree", "add", "--quiet", "--detach", str(worktree))
    run(project, "dvc", "cache", "dir", "--local", str(project / ".dvc/cache"))
    for folder in (copy, worktree):
        run(folder, "dvc", "repro", "--force", "--quiet")
        assert (folder / "dvc.lock").read_text() == (project / "dvc.lock").read_text()
        marked(folder, folder.name)
        run(folder, "dvc", "repro", "--quiet", "prepare")
        assert says(folder) == folder.name
    assert says(project) == ""
    run(project, "git", "worktree", "remove", "--force", str(worktree))


@pytest.mark.parametrize("how", ["--temp", "--queue"])
def test_experiments_elsewhere_run_their_own_code(project: Path, how: str) -> None:
    name = how.removeprefix("--")
    before = (project / "dvc.lock").read_text()
    _experiment(project, how, f"same-{name}", "--force")
    assert _lock_of(project, f"same-{name}") == before
    marked(project, how)
    _experiment(project, how, f"marked-{name}")
    run(project, "git", "checkout", "--quiet", "--force", "main")
    run(project, "dvc", "exp", "apply", f"marked-{name}")
    assert says(project) == how


def _experiment(project: Path, how: str, name: str, *options: str) -> None:
    run(project, "dvc", "exp", "run", how, "--name", name, *options)
    if how == "--queue":
        run(project, "dvc", "exp", "run", "--run-all")


def _lock_of(project: Path, name: str) -> str:
    listed = run(project, "git", "for-each-ref", "--format=%(refname)", "refs/exps")
    (found,) = [line for line in listed.splitlines() if line.endswith(f"/{name}")]
    return run(project, "git", "show", f"{found}:dvc.lock")


def test_parameters_edited_during_a_training_are_not_recorded(project: Path) -> None:
    params = project / "params.yaml"
    text = params.read_text()
    longer = text.replace("images: 640", "images: 64000")
    assert longer != text
    params.write_text(longer)
    lock = (project / "dvc.lock").read_text()
    process = start(project, "dvc", "repro", "train", GANFLOW_CHECKPOINT_SECONDS="0")
    assert process.stdout
    try:
        for line in process.stdout:
            if "progress: train" in line:
                break
        params.write_text(longer.replace("batch: 64", "batch: 32"))
        said, _ = process.communicate(timeout=600)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode
    assert "changed while train ran: train in params.yaml" in said
    assert "dvc checkout" in said
    assert (project / "dvc.lock").read_text() == lock
    params.write_text(longer)
    began = time.monotonic()
    said = run(project, "dvc", "repro", "train")
    assert "resumed after 64000 images" in said
    assert time.monotonic() - began < 120
