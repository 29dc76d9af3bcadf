"""docs/notebook.ipynb: its cells run in their order, in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def code_cells() -> list[str]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_it_is_small_and_its_cells_are_python() -> None:
    assert NOTEBOOK.stat().st_size < 200_000
    for place, cell in enumerate(code_cells()):
        compile(cell, f"cell {place}", "exec")


@pytest.mark.slow
def test_all_cells_run(tmp_path: Path) -> None:
    """The last one compares a saved model's images with the model's."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "data").symlink_to(ROOT / "data")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code_cells())],
        cwd=tmp_path / "docs",
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "docs" / "digits" / "generator.safetensors").is_file()
