"""The `train` stage: from the prepared store to a generator."""

from ganflow.base.environment import blas_kernels
from ganflow.base.files import read_json, sha256_of
from ganflow.base.paths import EXTRACTOR, MODEL, PREPARED, TRAINING
from ganflow.base.runtime import RuntimeParams, threads
from ganflow.base.store import open_store
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams
from ganflow.features.extractor import load_extractor
from ganflow.gan.checkpoint import Checkpoints, training_key
from ganflow.gan.fitting import Plan, chosen, fit
from ganflow.gan.inputs import training_inputs
from ganflow.gan.results import write_model, write_training
from ganflow.gan.training import follow
from ganflow.gan.workers import start_workers


def run(seed: int, runtime: RuntimeParams, model: ModelParams, train: TrainParams) -> None:
    """Train alone, or as the chief of several workers."""
    workers = start_workers(runtime, train)
    store = open_store(PREPARED)
    train, choices = chosen(train, store, read_json(EXTRACTOR / "card.json"))
    inputs = training_inputs(seed, runtime, model, train, store)
    local = {
        "threads": threads(runtime),
        "replicas": workers.replicas,
        "blas": blas_kernels(),
    }
    extractor = {"extractor": sha256_of(EXTRACTOR / "card.json")}
    checkpoints = Checkpoints(training_key(inputs | local | extractor))
    with checkpoints.held(), workers.reporting_lost_workers():
        workers.check_inputs(inputs)
        plan = Plan(seed, runtime, model, train, store, workers)
        trainer, history, shares = fit(plan, load_extractor(EXTRACTOR), checkpoints)
        write_model(MODEL, trainer, history, choices, store.classes, shares)
        write_training(TRAINING, history)
        checkpoints.finish(MODEL)


def join(seed: int, runtime: RuntimeParams, model: ModelParams, train: TrainParams) -> None:
    """Train as a worker of another process, which alone evaluates and writes outputs."""
    workers = start_workers(runtime, train, join=True)
    store = open_store(PREPARED)
    train, _ = chosen(train, store, read_json(EXTRACTOR / "card.json"))
    with workers.reporting_lost_workers():
        workers.check_inputs(training_inputs(seed, runtime, model, train, store))
        plan = Plan(seed, runtime, model, train, store, workers)
        follow(plan.trainer(), plan.batches(), workers)
    print("the chief has ended the training; a worker writes no outputs")
