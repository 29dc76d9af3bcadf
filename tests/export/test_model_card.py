"""A card says what the model's own files say, and nothing of another model."""

import subprocess
from pathlib import Path

import pytest
import yaml

import ganflow
from ganflow.base.files import write_json, write_text
from ganflow.base.recorded import folder_hash
from ganflow.export.formats import export
from ganflow.export.model_card import write_folder
from ganflow.export.origin import Origin
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import load_generator
from ganflow.marks import identity, read_mark
from tests.export.models import saved

METRICS = {
    "fd": {"value": 3.0, "baseline": 1.5, "ratio": 2.0, "low": 2.8, "high": 3.2},
    "evaluator": "f" * 16,
    "profile": "quick",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a model, its lock and its evaluation."""
    monkeypatch.chdir(tmp_path)
    model = saved(tmp_path / "data/model", Design("lean", (8, 8, 1), 2, 5))
    out = {"path": "data/model", "md5": folder_hash(model)}
    write_text(tmp_path / "dvc.lock", yaml.safe_dump({"stages": {"train": {"outs": [out]}}}))
    write_text(tmp_path / "params.yaml", "data: {source: shapes}\n")
    write_json(tmp_path / "data/evaluation/metrics.json", METRICS)
    write_json(tmp_path / "data/evaluation/detail.json", {"doubts": ["Copies were found."]})
    return tmp_path


def write(model: Path, folder: Path, commit: str | None = None, licence: str = "unknown") -> None:
    """`export` without the fresh process."""
    origin = Origin(model, load_generator(model), identity(model), commit, licence)
    write_folder(origin, folder)


def parts(folder: Path) -> tuple[dict[str, object], str]:
    _, head, text = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), text


def test_it_has_the_numbers_with_their_intervals_and_the_doubts(project: Path) -> None:
    write(project / "data/model", project / "shapes", licence="cc0-1.0")
    head, text = parts(project / "shapes")
    assert head["license"] == "cc0-1.0"
    assert "| Fréchet distance | 3 | 2.8 to 3.2 | 1.5 |" in text
    assert "- Copies were found." in text
    assert "`shapes`" in text
    assert "2 classes: <0>, <1>" in text


@pytest.mark.system  # the group has the package
def test_a_hub_reads_it(project: Path) -> None:
    import huggingface_hub as hub

    write(project / "data/model", project / "shapes")
    card = hub.ModelCard.load(project / "shapes/README.md")
    assert card.data.license == "unknown"
    [result] = card.data.eval_results
    assert (result.dataset_name, result.metric_type) == ("shapes", "frechet-distance")
    assert result.metric_value == 3.0


def test_the_folder_is_a_model_and_its_picture_is_marked(project: Path) -> None:
    model, folder = project / "data/model", project / "out/shapes"
    export(model, folder, "card")
    assert ganflow.load(folder).sample(2).shape == (2, 8, 8, 1)
    assert read_mark((folder / "samples.png").read_bytes()) == (*identity(model).split(), True)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "card.json",
        "config.json",
        "discriminator.safetensors",
        "generator.safetensors",
        "samples.png",
    ]


def test_numbers_of_another_model_are_left_out(project: Path) -> None:
    model = saved(project / "other", Design("lean", (8, 8, 1), 0, 4))
    write(model, project / "shapes")
    head, text = parts(project / "shapes")
    assert "model-index" not in head
    assert "was not measured" in text
    assert "| Fréchet" not in text
    assert "`unknown`" in text


def test_those_of_a_commit_are_read_there(project: Path) -> None:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    git("add", "dvc.lock", "params.yaml", "data/evaluation")
    git("commit", "--quiet", "--message=First")
    commit = git("rev-parse", "HEAD")
    write_json(project / "data/evaluation/metrics.json", {})
    write(project / "data/model", project / "shapes", commit)
    _, text = parts(project / "shapes")
    assert "| Fréchet distance | 3 |" in text
    assert commit in text
