"""What DVC records of a stage is what ran."""

import shutil
from pathlib import Path

import pytest

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.stages.lineage import ChangedError, recorded
from ganflow.stages.lock import record, stages_of

DVC_YAML = """
stages:
  prepare:
    cmd: PYTHONPATH=src python -m ganflow prepare
    deps: ["data/raw/${data.source}", src/ganflow/base, src/ganflow/stages/prepare.py]
    params: [seed, data, {ganflow.lock: [numpy]}]
    outs: [data/prepared]
  train:
    cmd: PYTHONPATH=src python -m ganflow train
    deps: [data/prepared]
    params: [train, {ganflow.lock: [keras, numpy]}]
    outs: [data/model]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which DVC would run the stage `prepare`."""
    package = Path(ganflow.__file__).parent
    for name in ("base", "stages"):
        target = tmp_path / "src/ganflow" / name
        shutil.copytree(package / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data/raw/set/cat").mkdir(parents=True)
    (tmp_path / "data/raw/set/cat/1.png").write_bytes(b"a picture")
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "params.yaml").write_text("seed: 0\ndata: {source: set}\ntrain: {images: 9}\n")
    record(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("DVC_STAGE", "prepare")
    return tmp_path


def test_a_stage_whose_inputs_stay_runs(project: Path) -> None:
    with recorded("prepare"):
        (project / "data/prepared").mkdir()
        (project / "params.yaml").write_text("train: {images: 8}\ndata: {source: set}\nseed: 0\n")
        (project / "src/ganflow/base/__pycache__").mkdir()
        (project / "src/ganflow/base/__pycache__/errors.pyc").write_bytes(b"compiled")


@pytest.mark.parametrize(
    ("path", "content", "named"),
    [
        ("params.yaml", "seed: 1\ndata: {source: set}\n", "seed in params.yaml"),
        ("params.yaml", "seed: 0\ndata: {source: set, mode: L}\n", "data in params.yaml"),
        ("src/ganflow/base/errors.py", "", "src/ganflow/base/errors.py"),
        ("src/ganflow/base/more.py", "", "src/ganflow/base/more.py"),
        ("data/raw/set/cat/1.png", "another", "data/raw/set/cat/1.png"),
        ("data/raw/set/cat/2.png", "a picture", "data/raw/set/cat/2.png"),
        ("ganflow.lock", 'numpy: "1"\n', "numpy in ganflow.lock"),
    ],
)
def test_what_changes_meanwhile_is_named(
    project: Path, path: str, content: str, named: str
) -> None:
    with (
        pytest.raises(ChangedError, match="changed while prepare ran") as caught,
        recorded("prepare"),
    ):
        (project / path).write_text(content)
    assert named in caught.value.what


def test_a_file_that_goes_is_named(project: Path) -> None:
    with pytest.raises(ChangedError, match=r"1\.png"), recorded("prepare"):
        (project / "data/raw/set/cat/1.png").unlink()


def test_a_failure_of_the_stage_stays_its_own(project: Path) -> None:
    with pytest.raises(ZeroDivisionError), recorded("prepare"):
        raise ZeroDivisionError((project / "data/raw/set/cat/1.png").unlink())


def test_other_code_than_the_project_s_is_refused(project: Path) -> None:
    (project / "src/ganflow/stages/prepare.py").write_text("# edited\n")
    with (
        pytest.raises(ChangedError, match=r"src/ganflow/stages/prepare\.py differs"),
        recorded("prepare"),
    ):
        pytest.fail("the stage ran")


def test_other_versions_are_refused(project: Path) -> None:
    (project / "ganflow.lock").write_text('numpy: "1.0"\n')
    with pytest.raises(GanflowError, match=r"instead of 1\.0"), recorded("prepare"):
        pytest.fail("the stage ran")


def test_without_dvc_nothing_is_recorded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE")
    with recorded("prepare"):
        (project / "data/raw/set/cat/1.png").unlink()


def test_the_stages_that_depend_on_a_library(project: Path) -> None:
    assert stages_of(project, {"keras"}) == ["train"]
    assert stages_of(project, {"numpy"}) == ["prepare", "train"]
