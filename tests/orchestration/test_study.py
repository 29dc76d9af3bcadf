"""A study: what is tried, what is pruned, and that a stopped one ends as one that was not."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from ganflow.base.errors import GanflowError
from ganflow.live.run_folder import RunFolder
from ganflow.orchestration.study import (
    Search,
    SnapshotReports,
    open_study,
    queue_points,
    results_table,
    run_trial,
    take_up,
    trials_to_run,
)

RATE = "train.generator.learning_rate"
SPACE: dict[str, Any] = {
    RATE: {"low": 1e-4, "high": 1e-2, "log": True},
    "train.batch": {"low": 16, "high": 128, "step": 16},
    "train.penalties": [{"r1": {"weight": 1.0}}, {}],
}


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path))
    return Search("a", f"sqlite:///{tmp_path}/search.db", SPACE, "fd.value", 0, "c0ffee", 14)


def worth(trial: optuna.Trial, changes: dict[str, Any]) -> float:
    return abs(changes[RATE] - 2e-3) * 1000 + changes["train.batch"] / 64


def outcome(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [(trial.number, trial.state, trial.params, trial.value) for trial in study.trials]


def test_each_trial_is_tried_within_the_space(planned: Search) -> None:
    found = [run_trial(planned, worth) for _ in range(planned.trials)]
    for trial in found:
        assert trial is not None
        changes = trial.user_attrs["changes"]
        assert 1e-4 <= changes[RATE] <= 1e-2
        assert changes["train.batch"] in range(16, 129, 16)
        assert changes["train.penalties"] in SPACE["train.penalties"]
    assert run_trial(planned, worth) is None, "the study has its trials"
    assert len({trial.params[RATE] for trial in found if trial}) == planned.trials


def test_the_seed_decides_and_a_study_goes_on_as_if_it_had_not_stopped(planned: Search) -> None:
    """Each trial is begun by an object of its own, as after a stop."""
    same, other = (replace(planned, study=name, seed=seed) for name, seed in (("b", 0), ("c", 1)))
    whole = optuna.create_study(sampler=open_study(planned).sampler)
    for one in (planned, same, other):
        for _ in range(one.trials):
            run_trial(one, worth)
    assert outcome(open_study(planned)) == outcome(open_study(same))
    assert outcome(open_study(planned)) != outcome(open_study(other))
    whole.optimize(lambda trial: worth(trial, _suggested(trial)), n_trials=planned.trials)
    assert [trial.params for trial in whole.trials] == [
        trial.params for trial in open_study(planned).trials
    ]


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    from ganflow.orchestration.search_space import read_space
    from ganflow.orchestration.study import suggest

    return suggest(trial, read_space(SPACE))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"space": {"train.batch": [1]}}, "another space"),
        ({"metric": "kid.value"}, "another metric: 'fd.value'"),
        ({"seed": 5}, "another seed: 0"),
    ],
)
def test_a_study_of_another_search_is_refused(
    planned: Search, changed: dict[str, Any], said: str
) -> None:
    open_study(planned)
    with pytest.raises(GanflowError, match=said) as caught:
        open_study(replace(planned, **changed))
    assert "another `study`" in str(caught.value.run)
    later = open_study(replace(planned, commit="decade", trials=3))
    assert later.user_attrs["commit"] == "c0ffee", "it goes on with the commit that it began with"


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("sqlite:////no/such/folder/a.db", "unable to open"),
        ("postgresql://u:secret@127.0.0.1:1/x", "onnection"),
        ("nothing", "Could not parse"),
        ("mysql://h/x", "No module named"),
    ],
)
def test_a_storage_that_cannot_be_used_is_told_without_its_password(
    planned: Search, storage: str, said: str
) -> None:
    with pytest.raises(GanflowError, match=said) as caught:
        open_study(replace(planned, storage=storage))
    assert "secret" not in str(caught.value)


def test_a_small_space_is_tried_whole_and_once(planned: Search) -> None:
    small = replace(planned, space={"train.batch": [32, 64], "train.mirror": [True, False, "auto"]})
    study = open_study(small)
    for _ in range(2):
        queue_points(study, small)
    assert trials_to_run(study, small) == 6
    found = [run_trial(small, lambda trial, changes: changes["train.batch"]) for _ in range(7)]
    assert found[-1] is None
    points = {tuple(trial.params.values()) for trial in found if trial}
    assert len(points) == 6


def test_a_failed_trial_counts_and_says_why(planned: Search) -> None:
    def fail(trial: optuna.Trial, changes: dict[str, Any]) -> float:
        raise GanflowError("out of luck", where="here")

    with pytest.raises(GanflowError):
        run_trial(planned, fail)
    study = open_study(planned)
    assert trials_to_run(study, planned) == 13
    (row,) = results_table(study, "fd.value")
    assert (row["state"], row["error"]) == ("fail", "out of luck")


def test_a_trial_whose_process_was_killed_is_taken_up_under_its_number(
    planned: Search, tmp_path: Path
) -> None:
    program = "import os, signal\nfrom ganflow.orchestration.study import Search, run_trial\n"
    program += "def die(trial, changes):\n    trial.report(3.0, 1)\n"
    program += "    os.kill(os.getpid(), signal.SIGKILL)\n"
    program += f"run_trial({planned!r}, die)\n"
    subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False)
    study = open_study(planned)
    (left,) = study.trials
    assert left.state == TrialState.RUNNING

    def check(trial: optuna.Trial, changes: dict[str, Any]) -> float:
        assert take_up(study, planned) == [], "it runs here"
        frozen = study.trials[0]
        assert (trial.number, changes) == (0, left.user_attrs["changes"])
        assert frozen.intermediate_values == {1: 3.0}
        return 1.0

    assert take_up(study, planned) == [0]
    assert trials_to_run(study, planned) == planned.trials
    assert run_trial(planned, check) is not None
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE]
    assert not list(tmp_path.glob("trial-*.lock"))


def test_a_trial_of_another_machine_is_left_alone(planned: Search) -> None:
    study = open_study(planned)
    study.ask()
    assert take_up(study, planned) == []
    assert trials_to_run(study, planned) == planned.trials - 1


def snapshots(tmp_path: Path, values: list[float]) -> None:
    run = RunFolder(tmp_path / "live", "train")
    for number, value in enumerate(values, 1):
        run.add_row("quality", {"images": 1000 * number, "fd": value})


@pytest.fixture
def reported(
    planned: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[float]], int]:
    """Train with these distances of the snapshots; returns after how many images it ended."""
    monkeypatch.chdir(tmp_path)

    def train_with(values: list[float], metric: str = "fd.value") -> int:
        def train(trial: optuna.Trial, changes: dict[str, Any]) -> float | None:
            reports = SnapshotReports(trial, tmp_path, last=8)
            try:
                for count in range(1, 9):
                    snapshots(tmp_path, values[:count])
                    reports.refresh()
            except optuna.TrialPruned:
                return None
            return values[-1]

        ended = run_trial(replace(planned, study=metric, metric=metric), train)
        assert ended is not None
        assert (ended.state == TrialState.PRUNED) == (ended.user_attrs["images"] < 8000)
        return int(ended.user_attrs["images"])

    return train_with


@pytest.mark.parametrize("metric", ["fd.value", "prdc.recall"])
def test_snapshots_that_are_behind_prune(reported: Callable[..., int], metric: str) -> None:
    """Also where the metric is one that is better the higher it is."""
    good = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    assert reported(good, metric) == 8000
    assert reported([value + 1 for value in good], metric) == 1000
    assert reported([value - 0.5 for value in good[:2]] + [9.0] * 6, metric) == 4000
    assert reported([value - 0.7 for value in good], metric) == 8000
    assert reported([float("nan")] * 8, metric) == 1000


def test_the_table_has_the_best_first_and_failures_last(planned: Search) -> None:
    for state, value in ((None, 3.0), ("FAIL", None), ("PRUNED", None), (None, 2.0)):
        study = open_study(planned)
        trial = study.ask()
        if value == 2.0:
            trial.set_user_attr("interval", (1.5, 2.5))
        study.tell(trial, value, state=TrialState[state] if state else None)
    rows = results_table(study, "fd.value")
    assert [row["trial"] for row in rows] == ["3", "0", "2", "1"]
    assert (rows[0]["fd.value"], rows[0]["95 %"]) == ("2", "1.5 to 2.5")
