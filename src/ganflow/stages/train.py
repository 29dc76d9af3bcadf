"""The `train` stage: from the prepared store to a generator."""

from collections.abc import Sequence
from pathlib import Path

import keras

from ganflow.base.environment import blas_kernels
from ganflow.base.files import read_json, sha256_of
from ganflow.base.paths import EXTRACTOR, MODEL, PREPARED, TRAINING
from ganflow.base.runtime import RuntimeParams, threads
from ganflow.base.store import Store, open_store
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams, own_functions
from ganflow.features.extractor import load_extractor
from ganflow.gan.checkpoint import Checkpoints, training_key
from ganflow.gan.fitting import TrainingSetup, chosen, fit
from ganflow.gan.own_files import require_files, require_listed
from ganflow.gan.results import write_model, write_training
from ganflow.gan.training import follow
from ganflow.gan.workers import Workers, start_workers


def run(
    seed: int,
    runtime: RuntimeParams,
    model: ModelParams,
    train: TrainParams,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train alone, or as the chief of several workers.

    Args:
        callbacks: as in `ganflow.gan.training.train`; they watch, and shape no output.
    """
    _require_inputs(model, train)
    workers = start_workers(runtime, train)
    store = open_store(PREPARED)
    train, choices = chosen(train, store, read_json(EXTRACTOR / "card.json"))
    setup = _setup(seed, runtime, model, train, store, workers)
    inputs = setup.inputs()
    local = {
        "threads": threads(runtime),
        "replicas": workers.replicas,
        "blas": blas_kernels(),
    }
    extractor = {"extractor": sha256_of(EXTRACTOR / "card.json")}
    inputs_of_all = inputs | local | extractor
    checkpoints = Checkpoints(training_key(inputs_of_all))
    any_length = {
        k: v for k, v in inputs["train"].items() if k not in ("images", "cooldown", "snapshots")
    }
    longer = Checkpoints(training_key(inputs_of_all | {"train": any_length}), "longer")
    with checkpoints.held(), workers.reporting_lost_workers():
        workers.check_inputs(inputs)
        trainer, history, shares = fit(
            setup, load_extractor(EXTRACTOR), checkpoints, callbacks, longer
        )
        write_model(MODEL, trainer, history, choices, store.classes, shares)
        write_training(TRAINING, history)
        checkpoints.finish(MODEL)


def join(seed: int, runtime: RuntimeParams, model: ModelParams, train: TrainParams) -> None:
    """Train as a worker of another process, which alone evaluates and writes outputs."""
    _require_inputs(model, train)
    workers = start_workers(runtime, train, join=True)
    store = open_store(PREPARED)
    train, _ = chosen(train, store, read_json(EXTRACTOR / "card.json"))
    setup = _setup(seed, runtime, model, train, store, workers)
    with workers.reporting_lost_workers():
        workers.check_inputs(setup.inputs())
        follow(setup.trainer(), setup.batches(), workers)
    print("the chief has ended the training; a worker writes no outputs")


def _setup(
    seed: int,
    runtime: RuntimeParams,
    model: ModelParams,
    train: TrainParams,
    store: Store,
    workers: Workers,
) -> TrainingSetup:
    """The setup with the project's own code, all of which dvc.yaml must have, and its start."""
    project = Path.cwd()
    setup = TrainingSetup(seed, runtime, model, train, store, workers).with_own_code(project)
    require_listed(setup.own.files, project)  # what the named files import is among them
    return setup if train.start == "none" else setup.with_start(project / train.start)


def _require_inputs(model: ModelParams, train: TrainParams) -> None:
    """Check that what the parameters name is there, and that DVC knows it."""
    require_files(own_functions(model, train), Path.cwd())
    if train.start != "none":
        require_listed([train.start], Path.cwd())
