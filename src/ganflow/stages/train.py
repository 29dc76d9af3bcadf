"""The `train` stage: from the prepared store to a generator."""

from ganflow.base.environment import blas_kernels
from ganflow.base.files import read_json, sha256_of
from ganflow.base.paths import EXTRACTOR, MODEL, PREPARED, TRAINING
from ganflow.base.runtime import RuntimeParams, configure, threads
from ganflow.base.store import Store, open_store
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams
from ganflow.features.extractor import load_extractor
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoints, training_key
from ganflow.gan.defaults import Choice, choose, facts_of
from ganflow.gan.inputs import class_shares, design_for, training_inputs
from ganflow.gan.results import write_model, write_training
from ganflow.gan.snapshots import SnapshotEvaluator
from ganflow.gan.trainer import Trainer
from ganflow.gan.training import follow
from ganflow.gan.training import train as train_gan
from ganflow.gan.workers import Workers, check_batch, make_workers


def run(seed: int, runtime: RuntimeParams, model: ModelParams, train: TrainParams) -> None:
    """Train alone, or as the chief of several workers."""
    workers = _workers(runtime, train)
    store = open_store(PREPARED)
    train, choices = _chosen(train, store)
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
        split = store.split("train")
        design = design_for(model, store)
        shares = class_shares(split.labels, design.classes)
        with workers.strategy.scope():
            trainer = Trainer(design, train, inputs["precision"], seed)
        images = store.split("validation").images
        evaluator = SnapshotEvaluator(trainer, load_extractor(EXTRACTOR), images, shares, seed)
        batches = Batches(split.images, split.labels, seed, train.mirror is True)
        history = train_gan(trainer, batches, evaluator, checkpoints, workers)
        write_model(MODEL, trainer, history, choices, store.classes, shares)
        write_training(TRAINING, history)
        checkpoints.finish(MODEL)


def join(seed: int, runtime: RuntimeParams, model: ModelParams, train: TrainParams) -> None:
    """Train as a worker of another process, which alone evaluates and writes outputs."""
    workers = _workers(runtime, train, join=True)
    store = open_store(PREPARED)
    train, _ = _chosen(train, store)
    inputs = training_inputs(seed, runtime, model, train, store)
    with workers.reporting_lost_workers():
        workers.check_inputs(inputs)
        split = store.split("train")
        with workers.strategy.scope():
            trainer = Trainer(design_for(model, store), train, inputs["precision"], seed)
        batches = Batches(split.images, split.labels, seed, train.mirror is True)
        follow(trainer, batches, workers)
    print("the chief has ended the training; a worker writes no outputs")


def _chosen(train: TrainParams, store: Store) -> tuple[TrainParams, dict[str, Choice]]:
    """The section without `auto`, and what was chosen for this set, which is printed."""
    facts = facts_of(store, read_json(EXTRACTOR / "card.json"))
    train, choices = choose(train, facts)
    for name, choice in choices.items():
        print(
            f"train.{name}: {choice.value} ({choice.reason}; to change it, set train.{name} in "
            "params.yaml)",
            flush=True,
        )
    return train, choices


def _workers(runtime: RuntimeParams, train: TrainParams, join: bool = False) -> Workers:
    """Set up TensorFlow, and make the workers."""
    workers: Workers = configure(runtime, lambda: make_workers(train.strategy, join))
    check_batch(train.batch, workers.replicas)
    return workers
