"""Points of a sweep; and a small one for real, on every engine that is installed."""

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.sweep import Member, Result, members, sweep, table
from ganflow.base.errors import ParameterError
from tests.flows.conftest import dvc, run

ENGINES = [
    "threads",
    *(
        [pytest.param("dask", marks=pytest.mark.slow)]
        if importlib.util.find_spec("prefect_dask")
        else []
    ),
]


def test_a_grid_is_the_product_of_its_lists_and_seeds() -> None:
    found = members({"train.batch": [32, 64], "model.latent": [10, 20, 30]}, None, 2, 5)
    assert len(found) == 12
    assert {m.seed for m in found} == {5, 6}
    assert len({m.name for m in found}) == 12


def test_random_points_lie_in_their_ranges_and_come_again() -> None:
    space = {"train.generator.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}
    found = members(space, 200, 1, 0)
    rates = [m.changes["train.generator.learning_rate"] for m in found]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    below = sum(rate < 1e-3 for rate in rates)
    assert 70 <= below <= 130, "half of a log-uniform draw lies below the geometric middle"
    assert members(space, 200, 1, 0) == found


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
def test_a_space_that_is_none_is_refused(space: dict[str, Any], draws: int | None) -> None:
    with pytest.raises(ParameterError):
        members(space, draws, 1, 0)


def test_the_table_has_the_best_first_and_failures_last() -> None:
    results = [
        Result(Member({"a": 1}, 0), 3.0),
        Result(Member({"a": 1}, 1), 5.0),
        Result(Member({"a": 2}, 0), None, error="it broke"),
        Result(Member({"a": 3}, 0), 2.0, (1.5, 2.5)),
    ]
    rows = table(results, "fd.value")
    assert [row["fd.value"] for row in rows] == ["2", "4", ""]
    assert rows[0]["95 %"] == "1.5 to 2.5"
    half = 12.7062047 * math.sqrt(2 / 2)  # t(0.975, 1) times the standard error of 3 and 5
    assert rows[1]["95 %"] == f"{4 - half:.4g} to {4 + half:.4g}"
    assert rows[2]["error"] == "it broke"


@pytest.mark.parametrize("engine", ENGINES)
def test_one_failing_member_does_not_end_the_others(
    shared: Path, here: Callable[[Path], None], engine: str
) -> None:
    here(shared)
    script = (shared / "stage.py").read_text()
    (shared / "stage.py").write_text(
        script.replace(
            "out = Path",
            'if name == "train" and "seed: 1" in '
            'Path("params.yaml").read_text():\n    sys.exit("unlucky")\nout = Path',
            1,
        )
    )
    dvc("repro", "--quiet", cwd=shared)
    run("git", "commit", "--quiet", "--all", "--message=Unlucky", cwd=shared)
    state = sweep({"train.images": [256]}, seeds=2, engine=engine, workers=2, return_state=True)
    assert state.is_completed(), state.message
    assert "1 of 2 trainings" in state.message
    listed = dvc("exp", "list", "--name-only", cwd=shared).split()
    assert listed == [members({"train.images": [256]}, None, 2, 0)[0].name]


def test_a_wrong_name_is_told_before_anything_is_trained(
    shared: Path, here: Callable[[Path], None]
) -> None:
    here(shared)
    with pytest.raises(ParameterError, match="Did you mean images"):
        sweep({"train.imges": [256]}, return_state=True).result()
