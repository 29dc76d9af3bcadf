"""What `dvc plots` draws has something in it: names stand on axes of names, numbers on numbers.

DVC's own templates take every column for numbers, and draw an empty frame where it holds names.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.commands import ROOT

DRAWN = {"losses", "quality", "classes", "samples_needed", "neighbourhoods"}


@pytest.fixture(scope="module")
def plots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The Vega-Lite specification of each plot, with its data, as `dvc plots show` writes it."""
    project = tmp_path_factory.mktemp("project")
    dvc(project, "init", "--no-scm", "--quiet")
    shutil.copytree(ROOT / ".dvc" / "plots", project / ".dvc" / "plots", dirs_exist_ok=True)
    shutil.copytree(ROOT / "data" / "evaluation", project / "data" / "evaluation")
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, project / name)
    training = project / "data" / "training"
    training.mkdir()
    columns = "images,generator_loss,discriminator_loss"
    (training / "history.csv").write_text(f"{columns}\n640,1.2,0.9\n1280,1.1,0.8\n")
    (training / "quality.csv").write_text("images,fd\n640,9\n1280,4\n")
    classes = project / "data" / "evaluation" / "plots" / "classes.csv"
    classes.write_text("class,real,generated\ndaisy,0.4,0.5\ntulip,0.6,0.5\n")
    dvc(project, "plots", "show", "--out", "shown")
    page = (project / "shown" / "index.html").read_text()
    found = re.findall(r"var spec = (\{.*?\});\s*vegaEmbed\('#(\w+)'", page, re.DOTALL)
    return {name: json.loads(spec) for spec, name in found}


def dvc(project: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=project,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_plot_is_drawn_and_the_grids_are_there(plots: dict[str, Any]) -> None:
    assert set(plots) == DRAWN
    for grid in ("samples", "neighbours"):
        assert (ROOT / "data" / "evaluation" / "plots" / f"{grid}.png").is_file()


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_its_axes_fit_its_columns(plots: dict[str, Any], name: str) -> None:
    spec = plots[name]
    rows = spec["data"]["values"]
    y = spec["encoding"]["y"]["field"]
    if any("!== ''" in str(step) for step in spec.get("transform", [])):
        rows = [row for row in rows if row[y] != ""]
    assert len(rows) >= 2
    for axis in ("x", "y"):
        column, kind = spec["encoding"][axis]["field"], spec["encoding"][axis]["type"]
        for row in rows:
            if kind == "quantitative":
                assert float(row[column]) == float(row[column]), "a number, and not NaN"
            else:
                assert row[column] != ""
    assert spec["encoding"]["x"]["type"] == (
        "nominal" if name in ("classes", "neighbourhoods") else "quantitative"
    )
