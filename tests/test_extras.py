"""What an extra brings is asked for by its name where it is not installed."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.extras import EXTRA_OF
from ganflow.versions import doctor

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
MODULES = {"prefect-dask": "prefect_dask", "zc.lockfile": "zc"}


def distributions(extra: str) -> set[str]:
    """The names of what an extra requires."""
    return {re.split(r"[\[<>=;]", requirement)[0] for requirement in EXTRAS[extra]}


def imported() -> set[str]:
    """Every module that the package imports, by its first name."""
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def test_every_module_that_an_extra_brings_is_known() -> None:
    brought = {
        MODULES.get(name, name): extra
        for extra in ("pipeline", "prefect", "search", "studio", "dask", "onnx")
        for name in distributions(extra) - {"ganflow"}
    }
    assert {name: brought[name] for name in brought.keys() & imported()} == EXTRA_OF


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("uvicorn", ["studio"], "studio"),
        ("fastapi", ["studio", "--port", "0"], "studio"),
        ("tf2onnx", ["export", "onnx", "model.onnx"], "onnx"),
        ("dvc", ["export", "keras", "model", "--rev", "HEAD"], "pipeline"),
    ],
)
def test_a_missing_one_is_an_error_that_names_the_extra(
    module: str, command: list[str], extra: str
) -> None:
    done = run_without(module, command)
    assert done.returncode == GanflowError.status
    assert done.stderr.splitlines()[-4:] == [
        f"ganflow: `{module}` is not installed",
        f"  where:    {sys.prefix}",
        f"  expected: ganflow with its extra `{extra}`",
        f"  run next: pip install 'ganflow[{extra}]'",
    ]


def test_any_other_missing_module_is_a_fault() -> None:
    assert "Traceback" in run_without("ruamel", ["params"]).stderr


def test_the_doctor_goes_on_without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.version

    def version(name: str) -> str:
        if name == "prefect":
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert doctor.versions()[-1] == doctor.Check(
        "prefect", False, "not installed", "pip install 'ganflow[prefect]'"
    )


def run_without(module: str, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process in which a module cannot be imported."""
    program = f"import sys; sys.modules[{module!r}] = None\n"
    program += f"from ganflow.cli import main; sys.exit(main({command}))"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
