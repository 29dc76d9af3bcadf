"""A proposal has a reason, and another seed is none."""

from pathlib import Path

import pytest
import yaml

from ganflow.versions.gate import Decision, MetricDecision, MetricOutcome
from ganflow.versions.git import commit_of
from ganflow.versions.reason import changed_inputs, no_reason, reason_for
from tests.versions.reviewed import Project, evaluation

LOCKED = {
    "prepare": {
        "deps": [{"path": "data/raw/digits", "md5": "1"}, {"path": "src/data", "md5": "2"}],
        "outs": [{"path": "data/prepared", "md5": "3"}],
    },
    "train": {
        "deps": [{"path": "data/prepared", "md5": "3"}],
        "params": {
            "params.yaml": {"seed": 0, "train": {"batch": 64}},
            "ganflow.lock": {"keras": "3.15"},
        },
        "outs": [{"path": "data/model", "md5": "4"}],
    },
    "report": {"deps": [{"path": "src/report", "md5": "5"}]},
}


def decided(outcome: MetricOutcome) -> Decision:
    return Decision((MetricDecision("fd.value", 2, 1.5, (-1, -0.1), "", outcome, True),), 1)


@pytest.fixture
def locked(project: Project) -> Project:
    write_lock(project.folder, LOCKED)
    project.commit()
    return project


def write_lock(folder: Path, stages: dict[str, object]) -> None:
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": stages}))


@pytest.mark.parametrize(
    ("old", "new", "changed", "reason"),
    [
        ("seed: 0", "seed: 3", "seed", ""),
        ("batch: 64", "batch: 32", "train.batch", "new parameters (train.batch)"),
        ("'1'", "'9'", "data/raw/digits", "new data (data/raw/digits)"),
        ("'2'", "'9'", "src/data", "other code (src/data)"),
        ("3.15", "3.16", "ganflow.lock: keras", "other code (ganflow.lock: keras)"),
        ("'5'", "'9'", None, ""),
        ("'3'", "'9'", None, ""),
        ("'4'", "'9'", None, ""),
    ],
    ids=["seed", "parameter", "data", "code", "version", "report", "prepared", "model"],
)
def test_what_a_model_was_made_from_is_a_reason(
    locked: Project, old: str, new: str, changed: str | None, reason: str
) -> None:
    path = locked.folder / "dvc.lock"
    path.write_text(path.read_text().replace(old, new))
    found = changed_inputs(commit_of("HEAD", locked.folder), locked.folder)
    assert found == ([changed] if changed else [])
    assert reason_for(found, decided("not worse")) == reason
    assert reason_for(found, decided("cannot tell")) == reason


def test_a_parameter_of_no_stage_is_one_too(locked: Project) -> None:
    with (locked.folder / "params.yaml").open("a") as stream:
        stream.write("gate: {margin: 0.2}\n")
    found = changed_inputs(commit_of("HEAD", locked.folder), locked.folder)
    assert reason_for(found, decided("not worse")) == "new parameters (gate.margin)"


def test_a_base_without_results_gives_all_inputs_as_reasons(project: Project) -> None:
    project.write(evaluation(2.0), seed=3)
    write_lock(project.folder, LOCKED)
    found = changed_inputs(commit_of("HEAD", project.folder), project.folder)
    assert {"data/raw/digits", "src/data", "seed"} <= set(found)


def test_better_beyond_noise_is_a_reason_by_itself() -> None:
    assert reason_for(["seed"], decided("better")) == "fd.value better (2 → 1.5)"
    assert (
        reason_for(["seed", "train.batch"], decided("better"))
        == "new parameters (train.batch); fd.value better (2 → 1.5)"
    )


def test_without_a_reason_a_sentence_says_why() -> None:
    assert no_reason(["seed"], decided("worse")) == (
        "only the seed differs from the base, and nothing is better beyond noise "
        "(fd.value worse (2 → 1.5)): nothing is proposed"
    )
    assert no_reason([], Decision((), 1)).startswith("nothing it is made from differs")
