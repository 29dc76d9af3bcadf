"""The `train` stage: from the prepared store to a generator."""

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.errors import ParameterError
from ganflow.base.files import sha256_of, whole_folder, write_text
from ganflow.base.images import image_grid, write_png
from ganflow.base.paths import EXTRACTOR, MODEL, PREPARED, TRAINING
from ganflow.base.runtime import Runtime, configure, resolved, threads
from ganflow.base.store import Store, open_store
from ganflow.config.model import Model
from ganflow.config.train import Train
from ganflow.features.extractor import load_extractor
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoints, training_key
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import save_networks
from ganflow.gan.snapshots import PICTURE_COLUMNS, Judge
from ganflow.gan.trainer import FIGURES, Game
from ganflow.gan.training import History, follow
from ganflow.gan.training import train as train_game
from ganflow.gan.workers import Workers, check_share, gathered


def run(seed: int, runtime: Runtime, model: Model, train: Train) -> None:
    """Train, alone or as the chief of several workers."""
    workers = ready(runtime, model, train)
    store = open_store(PREPARED)
    design, inputs = design_for(model, store), shared_inputs(seed, runtime, model, train, store)
    own = {"threads": threads(runtime), "replicas": workers.replicas}
    extractor = {"extractor": sha256_of(EXTRACTOR / "card.json")}
    checkpoints = Checkpoints(training_key(inputs | own | extractor))
    with checkpoints.held(), workers.together():
        workers.meet(inputs)
        split = store.split("train")
        shares = class_shares(split.labels, design.classes)
        judge = Judge(load_extractor(EXTRACTOR), store.split("validation").images, shares, seed)
        with workers.strategy.scope():
            game = Game(design, train, inputs["precision"], seed)
        batches = Batches(split.images, split.labels, seed)
        history = train_game(game, batches, judge, checkpoints, workers)
        card = {
            "design": asdict(design),
            "class_names": list(store.classes) if design.classes else [],
            "class_shares": shares,
            "precision": inputs["precision"],
            **({"replicas": workers.replicas} if workers.replicas > 1 else {}),
            "parameters": {
                "generator": game.generator.count_params(),
                "discriminator": game.discriminator.count_params(),
            },
            "seed": seed,
            "train": train.model_dump(exclude_none=True, exclude={"strategy"}),
        }
        write_model(game, history, card)
        write_training(history, train)
        checkpoints.finish(MODEL)


def join(seed: int, runtime: Runtime, model: Model, train: Train) -> None:
    """Train as another's worker: nothing is measured here, and nothing is written."""
    workers = ready(runtime, model, train, join=True)
    store = open_store(PREPARED)
    inputs = shared_inputs(seed, runtime, model, train, store)
    with workers.together():
        workers.meet(inputs)
        split = store.split("train")
        with workers.strategy.scope():
            game = Game(design_for(model, store), train, inputs["precision"], seed)
        follow(game, Batches(split.images, split.labels, seed), workers)
    print("the chief has what it needs; nothing is written here")


def ready(runtime: Runtime, model: Model, train: Train, join: bool = False) -> Workers:
    """Check what no schema can, set TensorFlow up, and find who trains."""
    check_latent_penalty(model, train)
    workers: Workers = configure(runtime, lambda: gathered(train.strategy, join))
    check_share(train.batch, workers.replicas)
    return workers


def shared_inputs(
    seed: int, runtime: Runtime, model: Model, train: Train, store: Store
) -> dict[str, Any]:
    """What shapes a training, whoever takes part in it."""
    return {
        "seed": seed,
        "precision": resolved(runtime.precision),
        "model": model.model_dump(),
        "train": train.model_dump(exclude={"strategy"}),
        "data": store.card,
        "code": training_key({}),
    }


def design_for(model: Model, store: Store) -> Design:
    """The networks that these parameters mean for this data.

    Raises:
        ParameterError: if labels are asked for and there are none.
    """
    if model.conditional is True and not store.classes:
        raise ParameterError(
            "model.conditional: True, but the data has no labels",
            where="params.yaml",
            expected="auto or false; or data whose sub-folders are its classes",
            run="edit params.yaml, then dvc repro",
        )
    conditional = bool(store.classes) if model.conditional == "auto" else model.conditional
    classes = len(store.classes) if conditional else 0
    return Design(
        model.architecture, store.shape, classes, model.latent, model.mapping, model.spectral_norm
    )


def check_latent_penalty(model: Model, train: Train) -> None:
    """Refuse a penalty that could not do anything.

    Raises:
        ParameterError: if the latent is penalised and no mapping makes it.
    """
    if train.penalties.latent is not None and not model.mapping:
        raise ParameterError(
            "train.penalties.latent: with latents from a fixed prior this penalty is a constant",
            where="params.yaml",
            expected="model.mapping of at least 1, or no latent penalty",
            run="edit params.yaml, then dvc repro",
        )


def class_shares(labels: np.ndarray | None, classes: int) -> list[float]:
    """How often each class stands in the training data; empty when unconditional."""
    if labels is None or not classes:
        return []
    counts = np.bincount(labels, minlength=classes)
    return [float(share) for share in counts / counts.sum()]


def write_model(game: Game, history: History, card: dict[str, object]) -> None:
    """Write the best snapshot's generator, the discriminator, and the card."""
    best = history.best
    assert best is not None  # the last step always takes a snapshot
    for name, variable in game.averaged_weights().items():
        variable.assign(best.weights[name])
    with whole_folder(MODEL) as folder:
        chosen = {"images": best.images, "validation_fd": round(best.fd, 6)}
        save_networks(folder, game.averaged, game.discriminator, {**card, "snapshot": chosen})


def write_training(history: History, train: Train) -> None:
    """Write the curves, and one picture a snapshot."""
    with whole_folder(TRAINING) as folder:
        write_table(folder / "history.csv", ["images", *FIGURES], history.rows)
        write_table(folder / "quality.csv", ["images", "fd"], history.quality)
        (folder / "progress").mkdir()
        for seen, images in history.pictures.items():
            picture = image_grid(images, PICTURE_COLUMNS)
            write_png(folder / "progress" / f"{seen:08d}.png", picture)


def write_table(
    path: Path, header: list[str], rows: list[list[float]] | list[tuple[int, float]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([int(first), *(f"{value:.6g}" for value in rest)] for first, *rest in rows)
    write_text(path, text.getvalue())
