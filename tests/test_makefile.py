"""`make` keeps .venv what the locks say, for the folder and the interpreter it is called with.

`python -m venv` and `python -m pip` are stand-ins found through PYTHONPATH, which log their calls:
nothing is installed and no network is asked.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLONE = ("Makefile", ".ci/environment.py")

VENV = """
import os, sys
from pathlib import Path
folder = Path(sys.argv[-1])
assert sys.argv[1:-1] == ["--clear"]
with open(os.environ["STUB_LOG"], "a") as log:
    log.write("venv\\n")
import shutil
if folder.exists():
    shutil.rmtree(folder)
(folder / "bin").mkdir(parents=True)
for name in ("python", "python3"):
    (folder / "bin" / name).symlink_to(sys.executable)
if os.environ.get("STUB_FAULT") == "venv":
    sys.exit(1)
pip = folder / "lib/python3/site-packages/pip"
pip.mkdir(parents=True)
(pip / "__main__.py").touch()
"""

PIP = """
import os, signal, sys
what = sys.argv[-1]
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(f"pip {what}\\n")
if os.environ.get("STUB_FAULT") == what:
    sys.exit(1)
if os.environ.get("STUB_FAULT") == f"kill {what}":
    os.kill(os.getppid(), signal.SIGKILL)
"""

PACKAGES = ["pip .venv/pip.lock", "pip requirements.lock", "pip ."]
ALL = ["venv", *PACKAGES]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    for name in CLONE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "requirements.lock").write_text(
        "a==1 \\\n    --hash=x\npip==25 \\\n    --hash=y\nq==1\n"
    )
    (folder / "requirements-dev.lock").write_text("pytest==8\n")
    (folder / "pyproject.toml").write_text("")
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "venv.py").write_text(VENV)
    (stubs / "pip.py").write_text(PIP)
    return folder


Make = Callable[..., list[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Run a target; returns what it called."""
    log = tmp_path / "log"

    def run(folder: Path, target: str = "installed", *, fault: str = "", fails: bool = False):
        log.write_text("")
        done = subprocess.run(
            ["make", "--no-print-directory", target],
            cwd=folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))},
                "PYTHONPATH": str(tmp_path / "stubs"),
                "STUB_LOG": str(log),
                "STUB_FAULT": fault,
            },
            text=True,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert bool(done.returncode) is fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return log.read_text().splitlines()

    return run


def test_a_new_clone_is_installed_once(clone: Path, make: Make) -> None:
    assert make(clone) == ALL
    assert (clone / ".venv/pip.lock").read_text() == "pip==25 \\\n    --hash=y\n"
    assert make(clone) == []
    assert make(clone, "test-installed") == ["pip requirements-dev.lock"]
    assert make(clone, "test-installed") == []
    assert make(clone) == []


def test_a_changed_lock_is_installed_into_the_same_environment(clone: Path, make: Make) -> None:
    make(clone, "test-installed")
    for name, calls in (
        ("requirements-dev.lock", ["pip requirements-dev.lock"]),
        ("requirements.lock", [*PACKAGES, "pip requirements-dev.lock"]),
        ("pyproject.toml", [*PACKAGES, "pip requirements-dev.lock"]),
    ):
        with (clone / name).open("a") as stream:
            stream.write("\n# changed\n")
        assert make(clone, "test-installed") == calls
    os.utime(clone / "requirements.lock", (0, 0))
    assert make(clone, "test-installed") == [], "its content is as it was"


@pytest.mark.parametrize("what", ["renamed", "copied"])
def test_another_folder_gets_an_environment_of_its_own(clone: Path, make: Make, what: str) -> None:
    make(clone, "test-installed")
    other = clone.with_name("other")
    if what == "renamed":
        clone.rename(other)
    else:
        shutil.copytree(clone, other, symlinks=True)
        assert make(clone, "test-installed") == []
    assert make(other, "test-installed") == [*ALL, "pip requirements-dev.lock"]


def test_another_interpreter_makes_the_environment_again(clone: Path, make: Make) -> None:
    make(clone)
    mark = clone / ".venv/made-from.json"
    made = json.loads(mark.read_text())
    made["place"][1] = "/usr/bin/python2"
    mark.write_text(json.dumps(made))
    assert make(clone) == ALL


@pytest.mark.parametrize("step", ["pip .venv/pip.lock", "pip requirements.lock", "pip ."])
def test_an_interrupted_installation_starts_anew(clone: Path, make: Make, step: str) -> None:
    make(clone, fault=f"kill {step.removeprefix('pip ')}", fails=True)
    assert make(clone) == ALL
    with (clone / "requirements.lock").open("a") as stream:
        stream.write("# changed\n")
    make(clone, fault=f"kill {step.removeprefix('pip ')}", fails=True)
    assert make(clone) == ALL


def test_an_installation_that_failed_goes_on_where_it_was(clone: Path, make: Make) -> None:
    make(clone, fault="requirements.lock", fails=True)
    assert make(clone) == PACKAGES
    make(clone, "test-installed", fault="requirements-dev.lock", fails=True)
    assert make(clone) == []
    assert make(clone, "test-installed") == ["pip requirements-dev.lock"]


def test_an_environment_without_pip_or_interpreter_is_made_again(clone: Path, make: Make) -> None:
    make(clone, fault="venv", fails=True)
    assert make(clone) == ALL
    shutil.rmtree(clone / ".venv/lib")
    assert make(clone) == ALL
    for name in ("python", "python3"):
        (clone / ".venv/bin" / name).unlink()
        (clone / ".venv/bin" / name).symlink_to("/nowhere/python3")
    assert make(clone) == ALL


def test_marks_of_earlier_versions_are_no_marks(clone: Path, make: Make) -> None:
    make(clone)
    (clone / ".venv/made-from.json").unlink()
    (clone / ".venv/installed").touch()
    assert make(clone) == ALL
