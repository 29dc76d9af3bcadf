"""Quality over seconds of training: the article's recipe, the tutorial's, and the default.

    python -m benchmarks.quality --json
    python -m benchmarks.quality --full --json     the article's whole 50 epochs; hours

Reads data/prepared and data/extractor (`dvc repro extractor`). Quality is the Fréchet distance
to the test split over that of random train subsets. Seconds are of the steps alone: neither
the measuring nor the compilation counts for anybody.
"""

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from ganflow.engine import configure, resolved
from ganflow.layout import EXTRACTOR, PREPARED
from ganflow.params.runtime import Runtime

RECIPES = ("article", "tutorial", "default", "unconditional")
EPOCHS = 50
SAMPLES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object, on one line")
    parser.add_argument("--full", action="store_true", help="the article's 50 epochs")
    parser.add_argument("--images", type=int, default=64_000, help="of each run, without --full")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=8, help="measurements of a run")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    options = parser.parse_args()
    configure(Runtime())
    found = measure(options)
    print(json.dumps(found, indent=None if options.json else 2))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from ganflow.datasets.store import open_store
    from ganflow.evaluation import frechet
    from ganflow.evaluation.extractor import load_extractor

    store, extractor = open_store(PREPARED), load_extractor(EXTRACTOR)
    test = extractor.describe(store.split("test").images).features
    rows = np.random.default_rng(0).choice(len(store.split("train").images), 25_000, replace=False)
    known = extractor.describe(store.split("train").images[np.sort(rows)]).features
    floor = frechet.floor(known, test, SAMPLES, 5, np.random.default_rng(1)).mean
    real = frechet.moments(test)
    curves: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in options.recipes}
    for seed in range(options.seeds):  # seeds outside, so that recipes take turns
        for name in options.recipes:
            curves[name].append(curve(name, seed, options, store, extractor, real, floor))
    found: dict[str, Any] = {"floor": round(floor, 4), "seeds": options.seeds, "curves": curves}
    for name, runs in curves.items():
        found[f"{name}_final_ratio"] = statistics.median(run[-1][1] for run in runs)
        found[f"{name}_seconds"] = statistics.median(run[-1][0] for run in runs)
    if "article" in curves:
        target = found["article_final_ratio"]
        for name, runs in curves.items():
            reached = [first_below(run, target) for run in runs]
            known_times = [seconds for seconds in reached if seconds is not None]
            if len(known_times) == len(runs):
                seconds = statistics.median(known_times)
                found[f"{name}_seconds_to_article"] = round(seconds, 2)
                found[f"{name}_share_of_article_time"] = round(
                    seconds / found["article_seconds"], 4
                )
    return found


def first_below(run: list[tuple[float, float]], target: float) -> float | None:
    """The first measured second at which the ratio is at most `target`."""
    return next((seconds for seconds, value in run if value <= target), None)


def curve(
    name: str,
    seed: int,
    options: argparse.Namespace,
    store: Any,
    extractor: Any,
    real: Any,
    floor: float,
) -> list[tuple[float, float]]:
    """Seconds of training and the ratio there, for one recipe and seed."""
    from ganflow.evaluation import frechet
    from ganflow.models.networks import settle_batch_norm
    from ganflow.training.batches import Batches
    from ganflow.training.judge import BATCH, SETTLING_BATCHES, Judge
    from ganflow.training.step import Game

    design, train = recipe_of(name, options, store)
    game = Game(design, train, resolved("auto"), seed)
    split = store.split("train")
    shares = [1 / design.classes] * design.classes
    batches = Batches(split.images, split.labels, seed)
    per_call = 20
    judge = Judge(extractor, store.split("validation").images, shares, seed)
    settle, make = judge._functions(game)
    marks = {round(game.steps * (i + 1) / options.points) for i in range(options.points)}
    ends = sorted(marks | set(range(per_call, game.steps, per_call)))
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    done, seconds, found = 0, 0.0, []
    for size, block in zip(sizes, batches.blocks(0, [s * train.batch for s in sizes]), strict=True):
        started = time.perf_counter()
        game.play(*block, np.int64(done)).numpy()
        taken = time.perf_counter() - started
        seconds += 0.0 if done == 0 else taken  # the first call compiles
        done += size
        if done in marks:
            settle_batch_norm(
                game.averaged,
                SETTLING_BATCHES,
                lambda i: settle(*judge._draw(game, BATCH, 1 + i)),
            )
            latents, labels = judge._draw(game, SAMPLES, 0)
            samples = np.concatenate(
                [
                    make(latents[i : i + BATCH], labels[i : i + BATCH])
                    for i in range(0, SAMPLES, BATCH)
                ]
            )
            features = extractor.describe(samples).features
            value = frechet.distance(frechet.moments(features), real)
            found.append((round(seconds, 3), round(value / floor, 3)))
            print(f"{name} seed {seed}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def recipe_of(name: str, options: argparse.Namespace, store: Any) -> tuple[Any, Any]:
    """The networks and the training of a recipe; the tutorial's is the article's at 1e-4."""
    from ganflow.models.design import Design
    from ganflow.params.train import Train
    from ganflow.recipes.writing import recipe

    written = recipe("default" if name in ("default", "unconditional") else "article")
    values = {k.removeprefix("train."): v for k, v in written.items() if k.startswith("train.")}
    if name == "tutorial":
        adam = {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.999}
        values |= {"generator": adam, "discriminator": adam}
    if not options.full:
        values["images"] = options.images
    elif name in ("article", "tutorial"):
        values["images"] = EPOCHS * len(store.split("train").images)
    classes = len(store.classes) if name == "default" else 0
    design = Design(
        written["model.architecture"],
        store.shape,
        classes,
        written["model.latent"],
        written["model.mapping"],
        written["model.spectral_norm"],
    )
    return design, Train(**values)


if __name__ == "__main__":
    sys.exit(main())
