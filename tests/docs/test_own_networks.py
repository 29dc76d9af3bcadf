"""docs/own-networks.md, done in a project that `ganflow init` makes: refusals, then all stages."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import ParameterError
from ganflow.base.files import read_json, sha256_of
from ganflow.config import params as parameters
from ganflow.template.writing import init
from tests.docs.commands import ROOT, blocks
from tests.gan.own_example import MODULE, PAGE, write_module
from tests.gan.tiny import images

SHORT = {
    "runtime.threads": 1,
    "extractor.features": 16,
    "extractor.epochs": 1,
    "train.images": 384,
    "train.snapshots": 2,
    "evaluation.baseline_draws": 3,
}


def run(project: Path, *words: str) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project,
        env={
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(ROOT / "src"),
            "GANFLOW_STATE": str(project / ".ganflow"),
            "DVC_NO_ANALYTICS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that names the functions of the page, and whose dvc.yaml lacks their file."""
    folder = tmp_path_factory.mktemp("own")
    pixels, labels = images(700, 0)
    (folder / "discs").mkdir()
    np.savez(folder / "discs/discs.npz", images=pixels, labels=labels)
    init(folder / "project", folder / "discs", None, with_git=False)
    params = folder / "project/params.yaml"
    parameters.edit(SHORT, params)
    shown = parameters.parse(blocks(PAGE, "yaml")[0])
    text = params.read_text()
    for section, key in (("model", "architecture"), ("train", "objective")):
        before = f"  {key}: {getattr(getattr(parameters.load(params), section), key)}"
        text = text.replace(before, f"  {key}: {shown[section][key]}")
    params.write_text(text)
    write_module(folder / "project")
    return folder / "project"


def depend(project: Path) -> None:
    """Add the line that the page shows to the `deps` of `train`."""
    (line,) = [b for b in blocks(PAGE, "text") if MODULE in b]
    stages = project / "dvc.yaml"
    train = "      - data/prepared\n      - data/extractor\n    params:\n      - seed\n"
    assert stages.read_text().count(train) == 1
    stages.write_text(
        stages.read_text().replace(train, train.replace("    params", line + "    params"))
    )


@pytest.mark.slow
def test_a_file_that_is_no_dependency_is_refused_with_the_line(project: Path) -> None:
    (line,) = [b for b in blocks(PAGE, "text") if MODULE in b]
    for words in (("ganflow", "params"), ("ganflow", "train")):
        code, said = run(project, *words)
        assert code == 2, said
        assert line in said


def test_overrides_cannot_choose_code(project: Path) -> None:
    """Nor may they leave it out of the file's section: what counts is the value that results."""
    for changes in (
        {"train.objective": "other:loss"},
        {"model": {"architecture": "other:build"}},
    ):
        before = (project / "params.yaml").read_bytes()
        with pytest.raises(ParameterError, match="overrides cannot choose which code is run"):
            parameters.edit(changes, project / "params.yaml")
        assert (project / "params.yaml").read_bytes() == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_stages_and_a_change(project: Path) -> None:
    depend(project)
    code, said = run(project, "dvc", "repro")
    assert code == 0, said
    card = read_json(project / "data/model/card.json")
    file = project / f"{MODULE}.py"
    assert card["own_code"] == {file.name: sha256_of(file)}
    assert np.load(project / "data/samples/images.npy", mmap_mode="r").std() > 5
    assert (project / "data/report/index.html").stat().st_size > 50_000

    # Everything after `train` needs the file no more.
    content = file.read_bytes()
    file.unlink()
    code, said = run(project, "ganflow", "generate", "3", "one.npz")
    assert code == 0, said
    file.write_bytes(content.replace(b"1.0 - real", b"0.5 - real"))
    code, said = run(project, "dvc", "status", "--json")
    assert '"train"' in said
    assert '"extractor"' not in said
