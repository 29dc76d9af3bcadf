"""Quality over seconds of training: the article's recipe, the tutorial's, and the default.

    python -m benchmarks.quality --json
    python -m benchmarks.quality --recipes default cooldown --points 8 --json   the schedules
    python -m benchmarks.quality --full --json     the article's whole 50 epochs; hours

Reads data/prepared and data/extractor of the project in which it is run (`dvc repro extractor`), so
it measures the default on any set: `PYTHONPATH=/where/ganflow/is python -m benchmarks.quality
--recipes default` in a project of that set. Quality is the Fréchet distance of 10,000 samples to
the test split, over that of random train subsets; of as many samples as there are training images,
if these are fewer. A run's quality is a function of the images it has seen, whatever the machine
does meanwhile; what an image costs is measured on its own, all recipes taking turns. Seconds are
the product of the two: neither the measuring nor the compilation counts for anybody.

Every run is kept in build/quality, by its recipe and by the code it ran, with its state at each
measurement, so that hours of runs can be broken off and taken up again. Two processes of one
thread each train more than one process of two: give each its own `--seeds`, then ask for all.
"""

import argparse
import hashlib
import json
import math
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import options_of, seconds_of, show
from ganflow.base.files import write_json, write_whole
from ganflow.base.paths import EXTRACTOR, PREPARED
from ganflow.base.runtime import RuntimeParams, configure, resolved

RECIPES = ("article", "tutorial", "default", "unconditional")
THEIRS = ("article", "tutorial")
"""Recipes whose length is counted in epochs; ours have a length of their own."""

KEPT = Path("build/quality")
AROUND = ("checkpoint.py", "training.py", "workers.py")
"""What a run here does without: it has a loop of its own."""

SAMPLES = 10_000
STEPS = 20
"""Steps in one call."""

Curve = list[tuple[int, float]]
"""Images seen and the ratio there."""


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--full", action="store_true", help="50 epochs, as the article has it")
    parser.add_argument("--epochs", type=int, default=2, help="of the article, without --full")
    parser.add_argument("--images", type=int, help="of our own recipes, instead of their own")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--kept", action="store_true", help="of finished runs alone; begin none")
    parser.add_argument("--threads", type=int, help="instead of one for each processor")
    parser.add_argument("--points", type=int, default=24, help="measurements of a run")
    parser.add_argument("--rounds", type=int, default=9, help="of timing")
    parser.add_argument(
        "--recipes", nargs="+", choices=(*RECIPES, "cooldown"), default=list(RECIPES)
    )
    options = parser.parse_args()
    options.epochs = 50 if options.full else options.epochs
    configure(RuntimeParams(threads=options.threads or "auto"))
    show(measure(options), options)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    evaluator = RatioEvaluator()
    curves: dict[str, list[Curve]] = {}
    for seed in options.seeds:
        for name in options.recipes:
            found = kept_curve(name, seed, options, evaluator)
            if found:
                curves.setdefault(name, []).append(found)
    rates = throughput(list(curves), options, evaluator)
    figures: dict[str, Any] = {
        "baseline": round(evaluator.baseline, 4),
        "seeds": {name: len(runs) for name, runs in curves.items()},
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "curves": curves,
    }
    for name, runs in curves.items():
        finals = [run[-1][1] for run in runs]
        figures[f"{name}_final_ratio"] = statistics.median(finals)
        figures[f"{name}_final_ratios"] = finals
        figures[f"{name}_best_ratio"] = statistics.median(min(v for _, v in run) for run in runs)
        figures[f"{name}_seconds"] = round(runs[0][-1][0] / rates[name], 1)
    if "article" in curves:
        figures |= against_article(curves, rates, figures)
    return figures


def against_article(
    curves: dict[str, list[Curve]], rates: dict[str, float], figures: dict[str, Any]
) -> dict[str, float]:
    """Seconds until each recipe is as good as the article's, where all of its runs get there."""
    found = {}
    for name, runs in curves.items():
        for goal in ("final", "best"):
            target = figures[f"article_{goal}_ratio"]
            reached = [[seen for seen, value in run if value <= target] for run in runs]
            if all(reached):
                seconds = statistics.median(seen[0] for seen in reached) / rates[name]
                share = seconds / figures["article_seconds"]
                found[f"{name}_seconds_to_article_{goal}"] = round(seconds, 2)
                found[f"{name}_share_of_article_time_{goal}"] = round(share, 4)
    return found


class RatioEvaluator:
    """What every run is measured with."""

    def __init__(self) -> None:
        from ganflow.base.store import open_store
        from ganflow.features.extractor import load_extractor
        from ganflow.metrics import frechet

        self.store, self.extractor = open_store(PREPARED), load_extractor(EXTRACTOR)
        test = self.extractor.describe(self.store.split("test").images).features
        train = self.extractor.describe(self.store.split("train").images).features
        self.size = min(SAMPLES, len(train))
        self.baseline = frechet.baseline(train, test, self.size, 10, np.random.default_rng(1)).mean
        self.real = frechet.moments(test)

    def ratio(self, samples: np.ndarray) -> float:
        """The Fréchet distance of uint8 images (N, H, W, C) to the test split over the baseline."""
        from ganflow.metrics import frechet

        features = self.extractor.describe(samples).features
        return frechet.distance(frechet.moments(features), self.real) / self.baseline


def kept_curve(
    name: str, seed: int, options: argparse.Namespace, evaluator: RatioEvaluator
) -> Curve:
    """The run's curve, from the runs that are kept or by running it; none if it may not be run."""
    design, train = recipe_of(name, options, evaluator.store)
    said = f"{design}{train}{options.points}{seed}{code()}{evaluator.baseline}"
    file = KEPT / f"{name}-{train.images}-{seed}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    if not file.is_file():
        if options.kept:
            return []
        KEPT.mkdir(parents=True, exist_ok=True)
        begun = file.with_suffix(".npz")
        title = f"{name}, seed {seed}"
        write_json(file, curve(title, design, train, seed, options, evaluator, begun))
        begun.unlink(missing_ok=True)
    return [(int(seen), float(value)) for seen, value in json.loads(file.read_text())]


def code() -> str:
    """A hash of the code that decides what a run ends in."""
    import ganflow.gan

    files = sorted(Path(ganflow.gan.__path__[0]).rglob("*.py"))
    kept = [file.read_bytes() for file in files if file.name not in AROUND]
    return hashlib.sha256(b"".join(kept)).hexdigest()


def curve(
    title: str,
    design: Any,
    train: Any,
    seed: int,
    options: argparse.Namespace,
    evaluator: RatioEvaluator,
    begun: Path,
) -> Curve:
    """Train once, and measure at numbers of images that grow by an even factor.

    Args:
        begun: the file that holds where the run stands, after each measurement.
    """
    from ganflow.gan.batches import Batches
    from ganflow.gan.inputs import class_shares
    from ganflow.gan.snapshots import SnapshotEvaluator
    from ganflow.gan.trainer import Trainer

    trainer, store = Trainer(design, train, resolved("auto"), seed), evaluator.store
    split = store.split("train")
    batches = Batches(split.images, split.labels, seed, train.mirror)
    shares = class_shares(split.labels, design.classes)
    validation = store.split("validation").images
    snapshots = SnapshotEvaluator(trainer, evaluator.extractor, validation, shares, seed)
    marks = marks_of(trainer.steps, options.points)
    found = taken_up(trainer, begun)
    done = found[-1][0] // train.batch if found else 0
    ends = sorted(e for e in marks | set(range(STEPS, trainer.steps, STEPS)) if e > done)
    sizes = [end - start for start, end in zip([done, *ends], ends, strict=False)]
    blocks = batches.blocks(done * train.batch, [size * train.batch for size in sizes])
    for size, block in zip(sizes, blocks, strict=True):
        trainer.train_steps(*block, np.int64(done)).numpy()
        done += size
        if done in marks:
            value = evaluator.ratio(snapshots.samples(evaluator.size))
            found.append((done * train.batch, round(value, 3)))
            print(f"{title}: ratio {value:.2f} after {done * train.batch} images", file=sys.stderr)
            sys.stderr.flush()
            state = {name: value.numpy() for name, value in trainer.state().items()}
            write_whole(begun, partial(np.savez, curve=np.array(found), **state))
    return found


def taken_up(trainer: Any, begun: Path) -> Curve:
    """The measurements of a run that was broken off, whose state the trainer gets; else none."""
    if not begun.is_file():
        return []
    with np.load(begun) as kept:
        for name, value in trainer.state().items():
            value.assign(kept[name])
        return [(int(seen), float(value)) for seen, value in kept["curve"]]


def marks_of(steps: int, points: int) -> set[int]:
    """After which steps to measure: evenly spaced in their logarithm, from a 50th on."""
    first = max(1, steps // 50)
    spaced = np.geomspace(first, steps, points)
    return {math.ceil(mark) for mark in spaced[:-1]} | {steps}


def throughput(
    names: list[str], options: argparse.Namespace, evaluator: RatioEvaluator
) -> dict[str, float]:
    """Images a second of each recipe's steps, all taking turns; medians."""
    from ganflow.gan.batches import Batches
    from ganflow.gan.trainer import Trainer

    runs, counts, split = {}, {}, evaluator.store.split("train")
    for name in names:
        design, train = recipe_of(name, options, evaluator.store)
        trainer = Trainer(design, train, resolved("auto"), 0)
        counts[name] = count = max(1, 1280 // train.batch) * train.batch
        block = next(Batches(split.images, split.labels, 0).blocks(0, [count]))
        runs[name] = lambda g=trainer, b=block: g.train_steps(*b, np.int64(1)).numpy()
    taken = seconds_of(runs, options.rounds)
    return {name: counts[name] / float(np.median(taken[name])) for name in runs}


def recipe_of(name: str, options: argparse.Namespace, store: Any) -> tuple[Any, Any]:
    """The networks and the training of a recipe; the tutorial's is the article's at 1e-4."""
    from ganflow.base.files import read_json
    from ganflow.config.model import ModelParams
    from ganflow.config.recipe import recipe
    from ganflow.config.train import TrainParams
    from ganflow.gan.defaults import choose, facts_of
    from ganflow.gan.inputs import design_for

    sections: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
    for key, value in recipe("article" if name in THEIRS else "default").items():
        section, parameter = key.split(".")
        sections[section][parameter] = value
    values = sections["train"]
    if name == "tutorial":
        adam = {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.999}
        values |= {"generator": adam, "discriminator": adam}
    if name in THEIRS:
        values["images"] = options.epochs * len(store.split("train").images)
    elif options.images:
        values["images"] = options.images
    if name == "cooldown":
        values["schedule"] = "cooldown"
    if name == "unconditional":
        sections["model"]["conditional"] = False
    facts = facts_of(store, read_json(EXTRACTOR / "card.json"))
    train, _ = choose(TrainParams(**values), facts)
    return design_for(ModelParams(**sections["model"]), store), train


if __name__ == "__main__":
    main()
