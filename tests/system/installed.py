"""ganflow from its wheel, in an environment of its own outside any checkout."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from tests.flows.conftest import run
from tests.test_wheel import build

DROPPED = ("PREFECT_", "GANFLOW_", "PYTHON", "VIRTUAL_ENV")
"""How the variables begin that shape what Python, Prefect or ganflow do here."""

SCRIPT = """\
#!{python}
import sys
from {module} import {name}
sys.exit({name}())
"""


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel; its dependencies are those of the tests."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def package(self) -> Path:
        """The folder of the installed package."""
        return _site_packages(self.folder) / "ganflow"

    def environment(self) -> dict[str, str]:
        """What git, DVC, Prefect and the stages need, with this environment's programs first."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)}
        tests = Path(sys.executable).parent
        others = [place for place in kept["PATH"].split(os.pathsep) if Path(place) != tests]
        return {
            **kept,
            "PATH": os.pathsep.join([str(self.bin), *others]),
            "DVC_NO_ANALYTICS": "1",
            "DO_NOT_TRACK": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def attempt(
        self, *command: str | Path, cwd: Path, **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in this environment."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**self.environment(), **settings},
            text=True,
            capture_output=True,
            check=False,
        )

    def run(self, *command: str | Path, cwd: Path, **settings: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        done = self.attempt(*command, cwd=cwd, **settings)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def has(self, pid: int) -> bool:
        """Whether a process finds this environment's Python first, and its ganflow.

        Prefect puts folders of the worker's sys.path on a run's PYTHONPATH.
        """
        variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
        found = dict(line.split("=", 1) for line in variables if "=" in line)
        before = found.get("PYTHONPATH", "").split(os.pathsep)
        return found["PATH"].startswith(f"{self.bin}{os.pathsep}") and not [
            place for place in before if place and Path(place, "ganflow").is_dir()
        ]

    @contextmanager
    def studio(self, project: Path, *options: str) -> Iterator[str]:
        """The studio of a project, on a free port; its address."""
        command = [str(self.bin / "ganflow"), "studio", "--port", "0", "--threads", "1", *options]
        with subprocess.Popen(
            command, cwd=project, env=self.environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().split()[2]
            finally:
                process.terminate()


def install(folder: Path) -> Installed:
    """Build the wheel and install it into a new environment, all below `folder`.

    A plain path in a .pth file adds the tests' own packages behind the installed one. Python reads
    no .pth file there, so an editable installation of ganflow among them stays out.
    """
    wheel = build(folder / "wheel")
    made = Installed(folder / "environment")
    run(sys.executable, "-m", "venv", "--without-pip", made.folder, cwd=folder)
    pip = (sys.executable, "-m", "pip", "--python", str(made.bin / "python"), "--quiet")
    run(*pip, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    lines = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (_site_packages(made.folder) / "tests.pth").write_text("\n".join(lines) + "\n")
    for name in ("dvc", "prefect"):
        (entry,) = distribution(name).entry_points.select(group="console_scripts", name=name)
        script = made.bin / name
        python = made.bin / "python"
        script.write_text(SCRIPT.format(python=python, module=entry.module, name=entry.attr))
        script.chmod(0o755)
    return made


def _site_packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
