"""The wheel: the same bytes each time, with all that the package reads."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_it_is_the_same_each_time_and_has_every_file_of_the_package(tmp_path: Path) -> None:
    wheel = build(tmp_path / "first")
    assert wheel.read_bytes() == build(tmp_path / "second").read_bytes()
    tracked = subprocess.run(
        ["git", "ls-files", "src/ganflow"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.removeprefix("src/") for name in tracked} <= names
    for name in ("py.typed", "config/recipes/default.yaml", "studio/pages/index.html"):
        assert f"ganflow/{name}" in names
