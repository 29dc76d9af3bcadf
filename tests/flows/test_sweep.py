"""A small sweep on every engine that is installed."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import pytest

from ganflow.base.errors import ParameterError
from ganflow.orchestration.flows.sweep import run_trials, sweep, train_trial
from ganflow.orchestration.trials import plan_trials
from tests.flows.conftest import dvc, run

ENGINES = [
    "threads",
    *(
        [pytest.param("dask", marks=pytest.mark.slow)]
        if importlib.util.find_spec("prefect_dask")
        else []
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_trial_does_not_stop_the_others(
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
    assert listed == [plan_trials({"train.images": [256]}, None, 2, 0)[0].name]


def test_a_wrong_parameter_is_reported_before_training(
    shared: Path, here: Callable[[Path], None]
) -> None:
    here(shared)
    with pytest.raises(ParameterError, match="Did you mean images"):
        sweep({"train.imges": [256]}, return_state=True).result()


@pytest.mark.parametrize("pickled", [sweep, run_trials, train_trial])
def test_a_dask_worker_can_unpickle_the_flows_and_the_task(pickled: object) -> None:
    subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.load(sys.stdin.buffer)"],
        input=cloudpickle.dumps(pickled),
        check=True,
    )
