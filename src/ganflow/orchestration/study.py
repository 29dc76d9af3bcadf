"""The study of a search in Optuna: where it is kept, what it tries next, and what it has found.

A trial that a killed run has left behind is taken up again: under its number, with its parameters
and its snapshots so far. The random numbers of a trial come from the seed and its number. So a
study that is stopped and gone on with ends as one that was not stopped, if one trial runs at a
time.
"""

import hashlib
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from filelock import FileLock, Timeout
from optuna.exceptions import OptunaError
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ganflow.base.errors import GanflowError
from ganflow.base.paths import TRAINING, state_folder
from ganflow.live.reading import newest_run, snapshots_of
from ganflow.live.run_folder import FOLDER
from ganflow.orchestration.search_space import Space, is_whole, number_of_points, read_space
from ganflow.orchestration.workspace import lock_of
from ganflow.versions.comparison import DIRECTIONS

REDUCTION = 2
"""After snapshots 1, 2, 4, ... one trial of so many goes on: the best by their distances."""

TERMS = ("space", "metric", "seed")
"""What all trials of a study have in common. It is kept with the study, and so is the commit."""


@dataclass(frozen=True)
class Search:
    """A study, and what its trials are made of: all that a worker needs to know.

    Attributes:
        space: as the flow was given it, with dotted keys.
        commit: of the code, the data and the parameters that no trial changes; a study that is
            there has its own.
        trials: how many the study is to have.
    """

    study: str
    storage: str
    space: dict[str, Any]
    metric: str
    seed: int
    commit: str
    trials: int


class SeededTPESampler(TPESampler):
    """TPE (Bergstra et al., 2011) whose random numbers come from a seed and a trial's number.

    Where a study goes on, a sampler of the same seed would otherwise draw the numbers of its
    first trials again.
    """

    def __init__(self, seed: int) -> None:
        self.study_seed = seed
        super().__init__(seed=seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        drawn = np.random.SeedSequence([self.study_seed, trial.number]).generate_state(1)
        super().__init__(seed=int(drawn[0]))
        super().before_trial(study, trial)


def pruner() -> SuccessiveHalvingPruner:
    """Asynchronous successive halving (Li et al., 2020), by the number of snapshots.

    That is the share of its own training that a trial has done, so trials of different lengths are
    compared at the same learning rate.
    """
    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)


def open_study(search: Search) -> optuna.Study:
    """The study in its storage, which is made where it is not there.

    Raises:
        GanflowError: the storage cannot be used, or the study there is another.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    higher = DIRECTIONS[search.metric] == "higher"
    try:
        study = optuna.create_study(
            study_name=search.study,
            storage=RDBStorage(_address(search.storage)),
            sampler=SeededTPESampler(search.seed),
            pruner=pruner(),
            direction="maximize" if higher else "minimize",
            load_if_exists=True,
        )
        kept = study.user_attrs
        if not kept and not study.get_trials(deepcopy=False):
            for name in (*TERMS, "commit"):
                study.set_user_attr(name, getattr(search, name))
            kept = study.user_attrs
    except (ImportError, OptunaError, RuntimeError, SQLAlchemyError) as error:
        raise _unusable(search.storage, error) from None
    for name in TERMS:
        value = getattr(search, name)
        if kept.get(name) != value:
            raise GanflowError(
                f"the study {search.study!r} has another {name}: {kept.get(name)!r}",
                where=_without_password(search.storage),
                expected=f"{value!r}; its trials cannot be compared with those of this search",
                run="this again with another `study`, or with none",
            )
    return study


def _address(storage: str) -> str:
    """The address with the driver that the extra `search` brings, where it names none."""
    prefix = "postgresql://"
    return storage.replace(prefix, "postgresql+psycopg://", 1)


def _unusable(storage: str, error: Exception) -> GanflowError:
    cause = error.__cause__ or error
    said = str(getattr(cause, "orig", None) or cause).strip().splitlines()
    return GanflowError(
        f"the storage of the study cannot be used: {said[0] if said else type(cause).__name__}",
        where=_without_password(storage),
        expected="sqlite:////A/FILE, or postgresql://USER@HOST/DATABASE with the password in "
        "~/.pgpass",
        run="this again without `storage`: a file in the state folder",
    )


def _without_password(storage: str) -> str:
    try:
        return make_url(storage).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "storage"


def queue_points(study: optuna.Study, search: Search) -> None:
    """Queue every point of a space that has no more of them than the study is to have trials."""
    space = read_space(search.space)
    if number_of_points(space) > search.trials:
        return
    shown = [list(_choices(values)) for values in space.values() if isinstance(values, list)]
    points = list(itertools.product(*shown))
    random.Random(search.seed).shuffle(points)
    for point in points:
        study.enqueue_trial(dict(zip(space, point, strict=True)), skip_if_exists=True)


def take_up(study: optuna.Study, search: Search) -> list[int]:
    """Queue the trials that a killed run of this clone has left behind; return their numbers.

    Other trials that run are those of a worker elsewhere, or of a process that lives.
    """
    taken = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        lock = _lock_of(search, trial.number)
        if not Path(lock.lock_file).exists():
            continue
        try:
            with lock.acquire(timeout=0):
                # `study.ask` takes a waiting trial up before it begins another one.
                study._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
                taken.append(trial.number)
        except Timeout:
            continue
    return taken


def _lock_of(search: Search, number: int) -> FileLock:
    """What the process holds that runs a trial; its file is there from the start to the end."""
    which = hashlib.sha256(f"{search.storage}\0{search.study}".encode()).hexdigest()[:10]
    return lock_of(f"trial-{which}-{number}")


def trials_to_run(study: optuna.Study, search: Search) -> int:
    """How many trials are to be begun, or taken up, until the study has as many as asked for."""
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    waiting = states.count(TrialState.WAITING)
    wanted = min(search.trials, number_of_points(read_space(search.space)))
    return max(waiting, int(wanted) - (len(states) - waiting))


def run_trial(
    search: Search, train: Callable[[optuna.Trial, dict[str, Any]], float | None]
) -> FrozenTrial | None:
    """Run the next trial of a study; None if the study has its trials.

    Args:
        train: is handed the trial and its changes to params.yaml; returns the metric, or None if
            the trial is pruned.

    Raises:
        Exception: whatever `train` raises; the trial has then failed. Where it is no Exception but
            the end of the process, the trial can be taken up again.
    """
    study = open_study(search)
    # SQLite does not keep two processes from taking the same trial off the queue.
    with lock_of("search"):
        if not trials_to_run(study, search):
            return None
        trial = study.ask()
        lock = _lock_of(search, trial.number)
        held = lock.acquire()
    with held:
        try:
            changes = suggest(trial, read_space(search.space))
            trial.set_user_attr("changes", changes)
            value = train(trial, changes)
        except Exception as error:
            trial.set_user_attr("error", (str(error) or type(error).__name__).splitlines()[0])
            study.tell(trial, state=TrialState.FAIL)
            Path(lock.lock_file).unlink()
            raise
        told = study.tell(trial, value, state=TrialState.PRUNED if value is None else None)
        Path(lock.lock_file).unlink()
    return told


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """A trial's values for params.yaml, by their dotted keys."""
    changes: dict[str, Any] = {}
    for key, dimension in space.items():
        if isinstance(dimension, list):
            choices = _choices(dimension)
            changes[key] = choices[trial.suggest_categorical(key, list(choices))]
        elif is_whole(key):
            low, high, step = int(dimension.low), int(dimension.high), int(dimension.step or 1)
            changes[key] = trial.suggest_int(key, low, high, step=step, log=dimension.log)
        else:
            changes[key] = trial.suggest_float(
                key, dimension.low, dimension.high, step=dimension.step, log=dimension.log
            )
    return changes


def _choices(values: list[Any]) -> dict[Any, Any]:
    """Choices by what Optuna keeps of them: lists and sections as text."""
    return {
        json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value: value
        for value in values
    }


class SnapshotReports:
    """Reports the snapshots of a training to its trial.

    Args:
        project: the folder in which the stage `train` runs.
        last: the number of the snapshot at the end of the training, after which no trial is pruned.
    """

    def __init__(self, trial: optuna.Trial, project: Path, last: int) -> None:
        self.trial, self.project, self.last = trial, project, last
        found = trial.study.get_trials(deepcopy=False)[trial.number]
        self.reported = len(found.intermediate_values)
        # The process may have been killed between a report and what follows from it.
        self.judged = max(0, self.reported - 1)
        higher = trial.study.direction == optuna.study.StudyDirection.MAXIMIZE
        self.sign = -1 if higher else 1

    def refresh(self) -> None:
        """Report the snapshots that are new while the training runs.

        Raises:
            TrialPruned: the training is not worth its images.
        """
        run = newest_run(state_folder() / FOLDER, "train", self.project)
        if run is not None:
            self._report(run)

    def finish(self) -> None:
        """Report those that are left, also of a training that was in the cache, as `refresh`."""
        self._report(self.project / TRAINING)

    def _report(self, folder: Path) -> None:
        snapshots = snapshots_of(folder)
        for number in range(self.judged + 1, len(snapshots) + 1):
            images, distance = snapshots[number - 1]
            if number > self.reported:
                self.trial.report(self.sign * distance, number)
                self.trial.set_user_attr("images", images)
                self.reported = number
            self.judged = number
            if number < self.last and self.trial.should_prune():
                raise optuna.TrialPruned


def results_table(study: optuna.Study, metric: str) -> list[dict[str, str]]:
    """A row for each trial: the best first, then those that were pruned, then all others."""
    order = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]
    sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    trials = sorted(
        study.get_trials(deepcopy=False, states=tuple(order)),
        key=lambda trial: (order.index(trial.state), sign * (trial.value or 0), trial.number),
    )
    return [_row(trial, metric) for trial in trials]


def _row(trial: FrozenTrial, metric: str) -> dict[str, str]:
    facts = trial.user_attrs
    span = facts.get("interval")
    return {
        "trial": str(trial.number),
        "parameters": json.dumps(facts.get("changes", {}), sort_keys=True),
        metric: f"{trial.value:.4g}" if trial.state == TrialState.COMPLETE else "",
        "95 %": f"{span[0]:.4g} to {span[1]:.4g}" if span else "",
        "images": f"{facts['images']:,}" if "images" in facts else "",
        "state": trial.state.name.lower(),
        "experiment": facts.get("experiment", ""),
        "error": facts.get("error", ""),
    }
