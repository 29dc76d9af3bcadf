"""The trials of a sweep: their parameters, and the table of their results."""

import math
from pathlib import Path
from typing import Any

import pytest

from ganflow.base.errors import ParameterError
from ganflow.orchestration.trials import (
    SweepTrial,
    TrialResult,
    check_trials,
    plan_trials,
    results_table,
)


def test_a_grid_is_the_product_of_its_lists_and_seeds() -> None:
    found = plan_trials({"train.batch": [32, 64], "model.latent": [10, 20, 30]}, None, 2, 5)
    assert len(found) == 12
    assert {trial.seed for trial in found} == {5, 6}
    assert len({trial.name for trial in found}) == 12


def test_random_points_lie_in_their_ranges_and_are_reproducible() -> None:
    space = {"train.generator.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}
    found = plan_trials(space, 200, 1, 0)
    rates = [trial.changes["train.generator.learning_rate"] for trial in found]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    below = sum(rate < 1e-3 for rate in rates)
    assert 70 <= below <= 130, "half of a log-uniform draw lies below the geometric middle"
    assert plan_trials(space, 200, 1, 0) == found


@pytest.mark.parametrize(
    ("space", "draws"),
    [
        ({"train.batch": 32}, None),
        ({"train.batch": []}, None),
        ({"train.batch": {"low": 2, "high": 1}}, 3),
        ({"train.batch": {"low": 0, "high": 1, "log": True}}, 3),
        ({"train.batch": [1] * 1001}, None),
    ],
)
def test_an_invalid_space_is_refused(space: dict[str, Any], draws: int | None) -> None:
    with pytest.raises(ParameterError):
        plan_trials(space, draws, 1, 0)


def test_a_point_cannot_choose_code(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("train: {objective: hinge}\n")
    check_trials(plan_trials({"train.objective": ["minimax"]}, None, 1, 0), tmp_path)
    with pytest.raises(ParameterError, match="cannot choose which code"):
        check_trials(plan_trials({"train.objective": ["minimax", "a:b"]}, None, 1, 0), tmp_path)


def test_the_table_has_the_best_first_and_failures_last() -> None:
    results = [
        TrialResult(SweepTrial({"a": 1}, 0), 3.0),
        TrialResult(SweepTrial({"a": 1}, 1), 5.0),
        TrialResult(SweepTrial({"a": 2}, 0), None, error="it broke"),
        TrialResult(SweepTrial({"a": 3}, 0), 2.0, (1.5, 2.5)),
    ]
    rows = results_table(results, "fd.value")
    assert [row["fd.value"] for row in rows] == ["2", "4", ""]
    assert rows[0]["95 %"] == "1.5 to 2.5"
    half = 12.7062047 * math.sqrt(2 / 2)  # t(0.975, 1) times the standard error of 3 and 5
    assert rows[1]["95 %"] == f"{4 - half:.4g} to {4 + half:.4g}"
    assert rows[2]["error"] == "it broke"
