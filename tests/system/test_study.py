"""A study in PostgreSQL that workers with state folders of their own share, one of them killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from optuna.trial import TrialState

from ganflow.orchestration.study import Search, open_study, take_up
from tests.system.postgres import postgresql

pytestmark = pytest.mark.system

WORKER = """
import os, signal, sys, time
from ganflow.orchestration.study import Search, open_study, run_trial, take_up

def train(trial, changes):
    trial.report(1.0, 1)
    if "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    trial.set_user_attr("worker", sys.argv[1])
    time.sleep(0.1)
    return changes["train.generator.learning_rate"]

planned = {planned!r}
take_up(open_study(planned), planned)
while run_trial(planned, train):
    pass
"""
SPACE = {"train.generator.learning_rate": {"low": 0.001, "high": 0.01}}


def test_workers_share_a_study_and_a_killed_one_goes_on(tmp_path: Path) -> None:
    def worker(name: str, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", WORKER.format(planned=planned), name, *words],
            env={**os.environ, "GANFLOW_STATE": str(tmp_path / name), "PGPASSWORD": "any"},
        )

    with postgresql() as database:
        address = database.replace("+asyncpg", "").replace(":any@", "@")
        planned = Search("shared", address, SPACE, "fd.value", 0, "c0ffee", 12)
        assert worker("a", "die").wait() < 0
        study = open_study(planned)
        assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
        assert take_up(study, planned) == [], "it is another clone's"
        running = [worker(name) for name in "ab"]
        assert [process.wait() for process in running] == [0, 0]
        trials = study.get_trials()
        assert 12 <= len(trials) <= 13, "both may begin the last one"
        assert {trial.state for trial in trials} == {TrialState.COMPLETE}
        assert {trial.user_attrs["worker"] for trial in trials} == {"a", "b"}
        assert len({trial.value for trial in trials}) == len(trials)
