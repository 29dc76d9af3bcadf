"""The search of `search/manual` against a random one without pruning, on recorded trainings.

    python -m benchmarks.search --record       in a project: train every point that is not recorded
    python -m benchmarks.search --json         replay both searches on all recorded sets

A record is a file of benchmarks/curves: the distances of the snapshots at every point of SPACE, and
the ratio that the training ends at (as of benchmarks.quality; null where its own checks stopped
it). It is made from data/prepared and data/extractor (`dvc repro extractor`) of the project in
which it is run, and each training is kept as soon as it has ended.

Both searches look at the same values, and are charged with the images that they train on, in
trainings: 0.25 for one that is pruned after a quarter. Random search trains each point once and to
its end. The search is the flow's own, its sampler and its pruner; what is trained again comes
from the cache, or from the checkpoint. `share_of_images_at_N` is the images that the search needs,
on average over the repeats, for a best ratio as low as that of N random trainings, over N, with the
95 % interval of a bootstrap over repeats.
"""

import argparse
import itertools
import json
import math
import os
import random
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from benchmarks.harness import options_of, show
from ganflow.base.files import read_json, write_bytes, write_json
from ganflow.config import params as parameters
from ganflow.orchestration.search_space import read_space
from ganflow.orchestration.study import SeededTPESampler, pruner, suggest

CURVES = Path(__file__).with_name("curves")
SPACE: dict[str, list[Any]] = {
    "train.generator.learning_rate": [0.0005, 0.001, 0.002, 0.004, 0.008],
    "train.discriminator.learning_rate": [0.0005, 0.002, 0.008],
    "train.penalties.r1.weight": [0.1, 1.0],
}
STEPS = 8
"""Snapshots of a training, and steps in which images are counted."""

Point = dict[str, Any]
"""`changes` to params.yaml, the distances of the `snapshots`, and the `value` at the end."""


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--record", action="store_true", help="train, and replay nothing")
    parser.add_argument("--images", type=int, default=48_000, help="of a recorded training")
    parser.add_argument("--points", type=int, help="record no more of them now")
    parser.add_argument("--curves", type=Path, default=CURVES, help="the folder of the records")
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    show(record(options) if options.record else replay(options), options)


def record(options: argparse.Namespace) -> dict[str, Any]:
    """Train the points that are not recorded yet, in random order."""
    from benchmarks.quality import RatioEvaluator

    evaluator = RatioEvaluator()
    file = options.curves / f"{parameters.load().data.source}.json"
    kept = read_json(file) if file.is_file() else {"images": options.images, "points": []}
    if kept["images"] != options.images:
        sys.exit(f"{file} has trainings of {kept['images']} images: give it --images, or remove it")
    points = [
        dict(zip(SPACE, values, strict=True)) for values in itertools.product(*SPACE.values())
    ]
    random.Random(0).shuffle(points)
    known = [point["changes"] for point in kept["points"]]
    for changes in [point for point in points if point not in known][: options.points]:
        with redirect_stdout(sys.stderr):  # stdout is for the one object
            kept["points"].append(trained(changes, options.images, evaluator))
        print(kept["points"][-1], file=sys.stderr, flush=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, kept)
    return {"record": str(file), "points": f"{len(kept['points'])} of {len(points)}"}


def trained(changes: dict[str, Any], images: int, evaluator: Any) -> Point:
    """Train at one point."""
    from ganflow.api import Model
    from ganflow.base.errors import TrainingError
    from ganflow.gan import fitting
    from ganflow.gan.results import write_model
    from ganflow.gan.workers import start_workers

    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANFLOW_STATE"] = folder
        draft = Path(folder, "params.yaml")
        write_bytes(draft, parameters.PARAMS_FILE.read_bytes())
        length = {"train.images": images, "train.snapshots": STEPS}
        sections = parameters.edit({**length, **changes}, draft)
        workers = start_workers(sections.runtime, sections.train, strict=False)
        store, extractor = evaluator.store, evaluator.extractor
        train, choices = fitting.chosen(sections.train, store, extractor.card)
        setup = fitting.TrainingSetup(
            sections.seed, sections.runtime, sections.model, train, store, workers
        ).with_own_code(Path.cwd())
        try:
            trainer, history, shares = fitting.fit(setup, extractor)
        except TrainingError as error:
            print(error)
            return {"changes": changes, "snapshots": [], "value": None}
        write_model(Path(folder, "model"), trainer, history, choices, store.classes, shares)
        samples = Model(Path(folder, "model")).sample(evaluator.size)
    return {
        "changes": changes,
        "snapshots": [float(f"{distance:.6g}") for _, distance in history.quality],
        "value": round(evaluator.ratio(samples), 3),
    }


def replay(options: argparse.Namespace) -> dict[str, Any]:
    """Both searches on each recorded set."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = {}
    for file in sorted(options.curves.glob("*.json")):
        points = read_json(file)["points"]
        if len(points) < math.prod(map(len, SPACE.values())):
            sys.exit(f"{file} has {len(points)} points: record the others first")
        found[file.stem] = compare(points, options.repeats)
    if not found:
        sys.exit(f"nothing is recorded in {options.curves}: see the top of this file")
    return {"repeats": options.repeats, **found}


def compare(points: list[Point], repeats: int) -> dict[str, Any]:
    """The share of the images that the search needs for what a random one finds."""
    count = len(points)
    searched = np.array([search(points, seed) for seed in range(repeats)])
    drawn = np.array([random_search(points, seed) for seed in range(repeats)])
    generator = np.random.default_rng(0)
    resampled = [generator.integers(repeats, size=(2, repeats)) for _ in range(1000)]
    figures: dict[str, Any] = {
        "points": count,
        "best": min(point["value"] for point in points if point["value"] is not None),
    }
    for budget in (count // 6, count // 3, count // 2):
        shares = [share(searched[one], drawn[other], budget) for one, other in resampled]
        low, high = np.quantile(shares, (0.025, 0.975), method="nearest")
        whole = share(searched, drawn, budget)
        figures[f"share_of_images_at_{budget}"] = round(whole, 3)
        figures[f"interval_at_{budget}"] = [round(float(low), 3), round(float(high), 3)]
        figures[f"random_best_at_{budget}"] = round(float(drawn[:, budget * STEPS].mean()), 3)
    return figures


def share(searched: np.ndarray, drawn: np.ndarray, budget: int) -> float:
    """Images until the mean best is that of `budget` random trainings, over theirs.

    Args:
        searched: (repeats, steps), the best value after so many steps of images.
        drawn: the same, of random search.
    """
    target = drawn[:, budget * STEPS].mean()
    reached = np.flatnonzero(searched.mean(axis=0) <= target)
    return float(reached[0]) / STEPS / budget if len(reached) else math.inf


def search(points: list[Point], seed: int) -> np.ndarray:
    """The best value after each step of images, (steps,), by the flow's sampler and pruner."""
    by_changes = {json.dumps(point["changes"]): point for point in points}
    space, trained_to = read_space(SPACE), dict.fromkeys(by_changes, 0)
    best = Best(len(points))

    def objective(trial: optuna.Trial) -> float:
        key = json.dumps(suggest(trial, space))
        point = by_changes[key]
        for number, distance in enumerate(point["snapshots"], 1):
            best.spend(max(0, number - trained_to[key]))
            trained_to[key] = max(number, trained_to[key])
            trial.report(distance, number)
            if number < STEPS and trial.should_prune():
                raise optuna.TrialPruned
        if point["value"] is None:
            best.spend(max(0, 1 - trained_to[key]))
            trained_to[key] = 1
            raise ArithmeticError("the training was stopped")
        best.found(point["value"])
        return float(point["value"])

    study = optuna.create_study(sampler=SeededTPESampler(seed), pruner=pruner())
    study.optimize(objective, n_trials=2 * len(points), catch=(ArithmeticError,))
    return best.curve()


def random_search(points: list[Point], seed: int) -> np.ndarray:
    """The same of a search that trains every point once and to its end, in random order."""
    best = Best(len(points))
    for point in random.Random(seed).sample(points, len(points)):
        best.spend(STEPS if point["value"] is not None else 1)
        if point["value"] is not None:
            best.found(point["value"])
    return best.curve()


class Best:
    """The best value of a search over the images that it has trained on.

    Args:
        trainings: how many whole trainings are looked at.
    """

    def __init__(self, trainings: int) -> None:
        self.values = np.full(trainings * STEPS + 1, np.inf)
        self.spent = 0

    def spend(self, steps: int) -> None:
        self.spent += steps

    def found(self, value: float) -> None:
        if self.spent < len(self.values):
            self.values[self.spent] = min(value, self.values[self.spent])

    def curve(self) -> np.ndarray:
        """(steps + 1,), the best value after so many steps of images."""
        return np.minimum.accumulate(self.values)


if __name__ == "__main__":
    main()
