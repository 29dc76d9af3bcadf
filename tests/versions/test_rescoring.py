"""Another model is evaluated with this project's data, parameters and commands."""

import json
from pathlib import Path

import pytest
import yaml

from ganflow.base.errors import GanflowError
from ganflow.versions.rescoring import evaluate_model, run_stage, with_model

SAMPLE = "mkdir -p data/samples && cat data/model/weights params.yaml > data/samples/images"
EVALUATE = (
    "mkdir -p data/evaluation && cat data/prepared/test data/samples/images > seen "
    "&& mv metrics-of-this-project data/evaluation/metrics.json"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a model, and beside it `other`, the folder of another one."""
    root = tmp_path / "project"
    for name in ("prepared/test", "extractor/weights", "model/weights", "samples/images"):
        path = root / "data" / name
        path.parent.mkdir(parents=True)
        path.write_text(f"own {name}\n")
    stages = {"sample": {"cmd": SAMPLE}, "evaluate": {"cmd": EVALUATE}}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (root / "params.yaml").write_text("seed: 0\n")
    (root / ".git").mkdir()
    (root / "code.py").write_text("")
    other = tmp_path / "other"
    other.mkdir()
    (other / "weights").write_text("other model\n")
    (tmp_path / "state").mkdir()
    return root


def test_the_folder_is_the_project_with_the_other_model(project: Path) -> None:
    state = project.parent / "state"
    with with_model(project.parent / "other", project, state) as folder:
        assert {path.name for path in folder.iterdir()} == {
            "code.py", "data", "dvc.yaml", "params.yaml"
        }  # fmt: skip
        assert {path.name for path in (folder / "data").iterdir()} == {
            "extractor", "model", "prepared"
        }  # fmt: skip
        assert (folder / "data/model/weights").read_text() == "other model\n"
        run_stage("sample", folder)
        assert "other model\nseed: 0" in (folder / "data/samples/images").read_text()
    assert not list(state.iterdir())
    assert (project / "data/samples/images").read_text() == "own samples/images\n"


def test_the_seed_is_the_folders_own(project: Path) -> None:
    state, seen = project.parent / "state", []

    def run(stage: str, folder: Path) -> None:
        seen.append((stage, (folder / "params.yaml").read_text()))
        if stage == "evaluate":
            (folder / "data/evaluation").mkdir()
            (folder / "data/evaluation/metrics.json").write_text(json.dumps({"fd": {"value": 2.0}}))

    found = evaluate_model(project.parent / "other", project, state, 7, run)
    assert found.metrics == {"fd": {"value": 2.0}}
    assert seen == [("sample", "seed: 7\n"), ("evaluate", "seed: 7\n")]
    assert (project / "params.yaml").read_text() == "seed: 0\n"


def test_a_stage_that_fails_is_named_with_its_message(project: Path) -> None:
    with with_model(project.parent / "other", project, project.parent / "state") as folder:
        run_stage("sample", folder)
        with pytest.raises(GanflowError, match=r"(?s)cannot be evaluated.*metrics-of-.*evaluate"):
            run_stage("evaluate", folder)


def test_without_an_extractor_it_says_what_to_run(project: Path) -> None:
    (project / "data/extractor/weights").unlink()
    (project / "data/extractor").rmdir()
    with (
        pytest.raises(GanflowError, match=r"(?s)data/extractor is missing.*dvc checkout"),
        with_model(project.parent / "other", project, project.parent / "state"),
    ):
        pass
