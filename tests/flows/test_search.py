"""A small search on every engine that is installed; one that is killed and gone on with."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import optuna
import pytest

from ganflow.base.errors import ParameterError
from ganflow.orchestration.flows.search import plan, run_trials, search, train_trial
from tests.flows.conftest import PATIENCE, Server, dvc, proposed, publish, run

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
hold = Path(os.environ["GANFLOW_STATE"], "hold")
out = Path(sys.argv[2])
out.mkdir(parents=True)
live = Path(os.environ["GANFLOW_STATE"], "live", f"{time.time_ns()}-train")
live.mkdir(parents=True)
begun = len(list(live.parent.iterdir()))
(live / "run.json").write_text(json.dumps({"what": "train", "project": os.getcwd()}))
with (live / "quality.csv").open("w") as quality:
    quality.write("images,fd\\n")
    for number in range(1, 9):
        quality.write(f"{16000 * number},{100 * abs(rate - 0.005) + 1 / number:.6g}\\n")
        quality.flush()
        print("seen", number, flush=True)
        while number == 3 and hold.exists() and int(hold.read_text()) == begun:
            (hold.parent / "held").touch()
            time.sleep(0.05)
(out / "file.txt").write_text(f"{rate} trained\\n")
Path("data/training").mkdir()
Path("data/training/quality.csv").write_text((live / "quality.csv").read_text())
"""
"""A training with eight snapshots, nearer to zero the nearer its rate is to 0.005.

The file `hold` in the state folder says which training of all waits after its third snapshot.
"""


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
        {"train.batch": [32, 64]},
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
    assert search({"train.batch": [32, 64]}, study="two", propose=False, return_state=True)
    assert len(study_of(shared, "two").trials) == 2, "every point has been tried"


@pytest.mark.slow
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
        assert (trial.user_attrs["images"] < 128000) == pruned
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


@pytest.mark.slow
def test_a_search_that_was_killed_ends_as_one_that_was_not(trained: Path, server: Server) -> None:
    asked = {"trials": 4, "seed": 1, "propose": False}
    second = len(list((trained / ".ganflow/live").iterdir())) + 2
    (trained / ".ganflow/hold").write_text(str(second))
    program = "from ganflow.orchestration.flows.search import search\n"
    program += f"search({RATES}, study='stopped', **{asked})"
    log = trained / ".ganflow/log"
    with log.open("wb") as stream:
        killed = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "PREFECT_API_URL": server.url},
            stdout=stream,
            stderr=stream,
        )
    deadline = time.monotonic() + PATIENCE
    while not (trained / ".ganflow/held").exists():
        assert time.monotonic() < deadline, log.read_text()
        assert killed.poll() is None, log.read_text()
        time.sleep(0.1)
    # The lines of a stage are read a little later than they are written.
    while len(study_of(trained, "stopped").trials[1].intermediate_values) < 3:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    killed.kill()
    killed.wait()
    stopped = [trial.state.name for trial in study_of(trained, "stopped").trials]
    assert stopped == ["COMPLETE", "RUNNING"]

    (trained / ".ganflow/hold").unlink()
    state = search(RATES, study="stopped", **asked, return_state=True)
    assert state.is_completed(), state.message
    assert "trials: 3 complete, 1 pruned" in state.message
    state = search(RATES, study="whole", **asked, return_state=True)
    assert outcome(study_of(trained, "stopped")) == outcome(study_of(trained, "whole"))


def test_a_wrong_search_is_refused_before_anything_is_trained(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shared)

    def planned(space: dict[str, Any], metric: str = "fd.value") -> None:
        plan(space, 3, None, None, metric, 0, shared)

    with pytest.raises(ParameterError, match="Did you mean images"):
        planned({"train.imges": [256]})
    with pytest.raises(ParameterError, match="no metric of which one end is better"):
        planned({"train.images": [256]}, "prdc.density")


def test_the_same_search_is_the_same_study(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared)

    def name(space: dict[str, Any], trials: int = 3, seed: int = 0) -> str:
        return plan(space, trials, None, None, "fd.value", seed, shared).study

    first = name({"train.batch": [32, 64]})
    assert name({"train.batch": [32, 64]}, trials=9) == first
    assert len({first, name({"train.batch": [32]}), name({"train.batch": [32, 64]}, seed=1)}) == 3


@pytest.mark.parametrize("pickled", [search, run_trials, train_trial])
def test_a_dask_worker_can_unpickle_the_flows_and_the_task(pickled: object) -> None:
    subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.load(sys.stdin.buffer)"],
        input=cloudpickle.dumps(pickled),
        check=True,
    )
