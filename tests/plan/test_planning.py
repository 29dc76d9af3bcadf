"""What a run will take: which stages run, what they add up to, and what fits in some minutes."""

import json
import shutil
from pathlib import Path

import pytest

from ganflow.base.errors import ParameterError
from ganflow.config.params import Params
from ganflow.plan import planning
from ganflow.plan.planning import RunPlan, StagePlan, below, in_words, plan

ROOT = Path(__file__).parents[2]
STAGES = ("prepare", "extractor", "train", "sample", "evaluate", "report")
SECONDS = {"extractor": 60.0, "evaluate": 20.0, "sample": 10.0, "train": 192.0 + 8.0}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose images are prepared, with measurements that are known."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "data/prepared").mkdir(parents=True)
    card = {"source": "a", "shape": [28, 28, 1], "splits": {}, "sha256": "d"}
    (tmp_path / "data/prepared/dataset.json").write_text(json.dumps(card))
    monkeypatch.chdir(tmp_path)

    def measure(params: Params, store: Path, stages: list[str]) -> list[dict[str, object]]:
        return [
            {
                "stage": name,
                "seconds": SECONDS[name],
                "memory": 10**9,
                "disk": 10**6,
                "image": 0.001 if name == "train" else 0.0,
                "notes": [],
            }
            for name in stages
        ]

    monkeypatch.setattr(planning, "_measure", measure)
    return tmp_path


def changed(monkeypatch: pytest.MonkeyPatch, *stages: str) -> None:
    monkeypatch.setattr(planning, "stages_to_run", lambda project: (set(stages), 2.0))


def test_what_reads_the_output_of_a_changed_stage_runs_too(project: Path) -> None:
    assert below(project, {"prepare"}) == set(STAGES)
    assert below(project, {"extractor"}) == {"extractor", "train", "sample", "evaluate", "report"}
    assert below(project, {"train"}) == {"train", "sample", "evaluate", "report"}
    assert below(project, {"report", "no-stage"}) == {"report"}


def test_only_what_would_run_is_added_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, "train", "sample", "evaluate", "report")
    found = plan(project, Params())
    assert [stage.name for stage in found.stages] == list(STAGES)
    assert [stage.runs for stage in found.stages] == [False, False, True, True, True, True]
    report = found.stages[-1].seconds
    assert found.seconds == pytest.approx(200 + 10 + 20 + report + 2)
    lines = in_words(found, Params())
    assert lines[1].split() == ["prepare", "up", "to", "date"]
    assert lines[3].split() == ["train", "3", "min", "1.0", "GB", "1.0", "MB"]
    assert json.loads(json.dumps(found.to_dict()))["seconds"] == found.seconds


def test_nothing_would_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch)
    found = plan(project, Params())
    assert found.seconds == 0
    assert in_words(found, Params())[-1] == "Nothing would run."


def test_the_images_that_fit_take_the_minutes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(monkeypatch)  # the training would run with another length
    params = Params()
    found = plan(project, params, 10)
    assert found.fitting is not None
    assert found.fitting % params.train.batch == 0
    longer = found.seconds + (found.fitting - params.train.images) * found.image
    assert 600 - params.train.batch * found.image <= longer <= 600
    assert in_words(found, params)[-1] == f"  dvc exp run -S train.images={found.fitting}"


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_minutes_that_are_none(project: Path, minutes: float) -> None:
    with pytest.raises(ParameterError, match=f"minutes: {minutes:g} is not allowed"):
        plan(project, Params(), minutes)


def test_too_few_minutes_say_how_many_would_do(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(monkeypatch)
    with pytest.raises(ParameterError, match=r"minutes: 0\.5 is too short") as refused:
        plan(project, Params(), 0.5)
    least = float(str(refused.value.expected).removeprefix("more than "))
    assert plan(project, Params(), least).fitting is not None


def test_a_duration_and_a_size_are_short() -> None:
    assert [planning.duration(s) for s in (4.4, 119, 300, 9000)] == [
        "4 s",
        "119 s",
        "5 min",
        "2.5 h",
    ]
    assert [planning.size(count) for count in (3_400_000, 1.26e9)] == ["3.4 MB", "1.3 GB"]
    assert RunPlan((StagePlan("a", True, 3.0),), 2.0, 0.0, None, ()).seconds == 5.0
