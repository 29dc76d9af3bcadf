"""Every objective and every penalty, each switched on by one parameter of the default recipe.

    python -m benchmarks.objectives --json

Reads data/prepared and data/extractor (`dvc repro extractor`). Prints the ratio of the Fréchet
distance to its baseline after a short training, and null where the training's own checks stopped
it. The lengths are short and the rates are the default's: a low number says that a setting
works as it is switched on, not which one is best when each is tuned.
"""

import os
import sys
import tempfile
from contextlib import redirect_stdout
from typing import Any

from benchmarks.harness import command
from benchmarks.quality import SAMPLES, RatioEvaluator
from ganflow.base.errors import TrainingError
from ganflow.base.runtime import RuntimeParams, configure, resolved

R1 = {"weight": 1.0, "interval": 8}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    **{
        f"objective_{name}": {"objective": name}
        for name in ("minimax", "least_squares", "hinge", "wasserstein", "relativistic")
    },
    "penalty_none": {"penalties": {}},
    "penalty_r1_r2": {"penalties": {"r1": R1, "r2": R1}},
    "penalty_js": {"penalties": {"js": {"weight": 4.0, "interval": 8}}},
    "penalty_gradient_penalty": {
        "objective": "wasserstein",
        "penalties": {"gradient_penalty": {"weight": 10.0, "interval": 1}},
    },
    "penalty_latent": {"penalties": {"r1": R1, "latent": {"weight": 0.01}}, "mapping": 2},
    "spectral_norm": {"penalties": {}, "spectral_norm": True, "objective": "hinge"},
    "augmentation": {"augmentation": ["translation", "cutout"]},
}


def measure(images: int = 25_600, seeds: int = 1) -> dict[str, Any]:
    """What trainings of so many images end at, one for each setting and seed."""
    configure(RuntimeParams())
    evaluator = RatioEvaluator()
    with tempfile.TemporaryDirectory() as state:
        os.environ["GANFLOW_STATE"] = state
        found = {
            name: [outcome(name, images, seed, evaluator) for seed in range(seeds)]
            for name in VARIANTS
        }
    return {"images": images, **found}


def outcome(name: str, images: int, seed: int, evaluator: RatioEvaluator) -> float | None:
    """The ratio that a training ends at; null if it was stopped."""
    from ganflow.config.train import TrainParams
    from ganflow.gan import training
    from ganflow.gan.batches import Batches
    from ganflow.gan.checkpoint import Checkpoints
    from ganflow.gan.networks.design import Design
    from ganflow.gan.snapshots import SnapshotEvaluator
    from ganflow.gan.trainer import Trainer

    store, changes = evaluator.store, dict(VARIANTS[name])
    design = Design(
        "lean",
        store.shape,
        len(store.classes),
        latent=100,
        mapping=changes.pop("mapping", 0),
        spectral_norm=changes.pop("spectral_norm", False),
    )
    trainer = Trainer(
        design, TrainParams(images=images, snapshots=2, **changes), resolved("auto"), seed
    )
    split, validation = store.split("train"), store.split("validation").images
    shares = [1 / design.classes] * design.classes
    snapshots = SnapshotEvaluator(trainer, evaluator.extractor, validation, shares, seed)
    batches = Batches(split.images, split.labels, seed)
    try:
        with redirect_stdout(sys.stderr):  # stdout is for the one object
            training.train(trainer, batches, snapshots, Checkpoints(f"{name}-{seed}"))
    except TrainingError as error:
        print(f"{name}, seed {seed}: {error}", file=sys.stderr, flush=True)
        return None
    ratio = round(evaluator.ratio(snapshots.samples(SAMPLES)), 2)
    print(f"{name}, seed {seed}: ratio {ratio}", file=sys.stderr, flush=True)
    return ratio


if __name__ == "__main__":
    command(measure, __doc__)
