"""A small search on every engine that is installed; one that is killed and gone on with."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import optuna
import pytest

import ganflow.orchestration.flows.search as flow_module
from ganflow.base.errors import GanflowError, ParameterError
from ganflow.orchestration.flows.search import run_trials, search, train_trial
from tests.flows.conftest import IDENTITY, PATIENCE, dvc, proposed, publish, run

Here = Callable[[Path], None]

ENGINES = [
    "threads",
    *(
        [pytest.param("dask", marks=pytest.mark.slow)]
        if importlib.util.find_spec("prefect_dask")
        else []
    ),
]

RATES = {"train.generator.learning_rate": {"low": 0.001, "high": 0.009}}

TRAINING = """
import json, os, sys, time
from pathlib import Path
import yaml

params = yaml.safe_load(Path("params.yaml").read_text())
rate = params["train"]["generator"]["learning_rate"]
out = Path(sys.argv[2])
out.mkdir(parents=True)
live = Path(os.environ["GANFLOW_STATE"], "live", f"{time.time_ns()}-train")
live.mkdir(parents=True)
(live / "run.json").write_text(json.dumps({"what": "train", "project": os.getcwd()}))
with (live / "quality.csv").open("w") as quality:
    quality.write("images,fd\\n")
    for number in range(1, 9):
        quality.write(f"{16000 * number},{100 * abs(rate - 0.005) + 1 / number:.6g}\\n")
        quality.flush()
        print("seen", number, flush=True)
        while Path(os.environ["GANFLOW_STATE"], "hold").exists() and number == 3:
            Path(os.environ["GANFLOW_STATE"], "held").write_text(str(rate))
            time.sleep(0.05)
(out / "file.txt").write_text(f"{rate} trained\\n")
Path("data/training").mkdir()
Path("data/training/quality.csv").write_text((live / "quality.csv").read_text())
"""
"""A training with eight snapshots, the nearer to zero the nearer its rate is to 0.005."""


@pytest.fixture
def trained(shared: Path, here: Here) -> Path:
    """The project with that training, in which a metric is what the rate is worth."""
    (shared / "train.py").write_text(TRAINING)
    (shared / "evaluate.py").write_text(
        "import json, sys\nfrom pathlib import Path\n"
        "rate = float(Path('data/samples/file.txt').read_text().split()[0])\n"
        "out = Path('data/evaluation'); out.mkdir(parents=True, exist_ok=True)\n"
        "fd = {'value': 100 * abs(rate - 0.005), 'baseline': 1.0, 'ratio': 1.0}\n"
        "(out / 'metrics.json').write_text(json.dumps({'fd': fd, 'profile': 'quick',"
        " 'evaluator': '0123456789abcdef'}))\n"
    )
    (shared / "params.yaml").write_text(
        "seed: 0\ntrain: {images: 128000, generator: {learning_rate: 0.002}}\n"
        "gate: {limits: {fd.ratio: {most: 100}}, compare: {}}\n"
    )
    described = (shared / "dvc.yaml").read_text()
    described = described.replace("stage.py train", "train.py train")
    described = described.replace("outs: [data/model]", "outs: [data/model, data/training]")
    described = described.replace("stage.py evaluate", "evaluate.py evaluate")
    (shared / "dvc.yaml").write_text(described)
    here(shared)
    dvc("repro", "--quiet", cwd=shared)
    run("git", "add", "--all", cwd=shared)
    publish(shared)
    dvc("push", "--quiet", "--run-cache", cwd=shared)
    return shared


def study_of(project: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{project}/.ganflow/search.db")


def outcome(study: optuna.Study) -> list[tuple[Any, ...]]:
    """What a study has come to, without the times."""
    return [
        (t.number, t.state.name, t.params, t.value, t.intermediate_values) for t in study.trials
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_trial_does_not_stop_the_others(shared: Path, here: Here, engine: str) -> None:
    here(shared)
    script = (shared / "stage.py").read_text()
    (shared / "stage.py").write_text(
        script.replace(
            "out = Path",
            'if name == "train" and "batch: 32" in '
            'Path("params.yaml").read_text():\n    sys.exit("unlucky")\nout = Path',
            1,
        )
    )
    dvc("repro", "--quiet", cwd=shared)
    run("git", "commit", "--quiet", "--all", "--message=Unlucky", cwd=shared)
    state = search(
        {"train": {"batch": [32, 64]}},
        study="two",
        propose=False,
        engine=engine,
        workers=2,
        return_state=True,
    )
    assert state.is_completed(), state.message
    assert "trials: 1 " in state.message
    assert "1 fail" in state.message
    assert "-p overrides='{\"train.batch\": 64}'" in state.message
    (trained,) = [t for t in study_of(shared, "two").trials if t.state.name == "COMPLETE"]
    listed = dvc("exp", "list", "--name-only", cwd=shared).split()
    assert listed == [trained.user_attrs["experiment"]]
    assert search({"train": {"batch": [32, 64]}}, study="two", propose=False, return_state=True)
    assert len(study_of(shared, "two").trials) == 2, "every point has been tried"


def test_the_best_of_a_search_is_proposed_and_what_is_behind_is_pruned(
    trained: Path, tmp_path: Path
) -> None:
    state = search(RATES, trials=6, study="rates", return_state=True)
    assert state.is_completed(), state.message
    study = study_of(trained, "rates")
    states = [trial.state.name for trial in study.trials]
    assert set(states) == {"COMPLETE", "PRUNED"}
    best = study.best_trial
    for trial in study.trials:
        distance = abs(trial.params["train.generator.learning_rate"] - 0.005)
        assert best.value is not None
        assert best.value <= 100 * distance + 1e-9
        pruned = trial.state.name == "PRUNED"
        assert trial.user_attrs["images"] < 128000 if pruned else 128000
        assert ("experiment" in trial.user_attrs) != pruned
    listed = dvc("exp", "list", "--name-only", cwd=trained).split()
    assert len(listed) == states.count("COMPLETE")
    assert "Proposed: retrain/" in state.message
    (branch,) = proposed(trained)
    text = run("git", "show", f"{branch_commit(trained, branch)}:params.yaml", cwd=trained)
    assert str(best.params["train.generator.learning_rate"]) in text
    assert not list((trained / ".ganflow/workspaces").iterdir())
    assert not list((trained / ".ganflow").glob("trial-*.lock"))

    again = search(RATES, trials=6, study="again", propose=False, return_state=True)
    assert again.is_completed()
    assert outcome(study_of(trained, "again")) == outcome(study)


def branch_commit(project: Path, branch: str) -> str:
    run("git", "fetch", "--quiet", "origin", branch, cwd=project)
    return run("git", "rev-parse", "FETCH_HEAD", cwd=project).strip()
