"""The files that a finished training leaves: the model with its card, and the curves."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganflow.base.environment import versions
from ganflow.base.files import whole_folder, write_text
from ganflow.base.images import image_grid, write_png
from ganflow.gan.defaults import Choice
from ganflow.gan.saved import LAYERS, save_networks
from ganflow.gan.snapshots import PICTURE_COLUMNS
from ganflow.gan.trainer import STEP_METRICS, Trainer
from ganflow.gan.training import History


def write_model(
    folder: Path,
    trainer: Trainer,
    history: History,
    choices: Mapping[str, Choice],
    class_names: Sequence[str],
    class_shares: list[float],
) -> None:
    """Write both networks of the best snapshot, and the model card.

    Args:
        choices: what was chosen for `auto`, by the keys of `train`; the card has the reasons.
        class_names: of the data; the card has them if the model is conditional.
        class_shares: the frequency of each class in the training split.
    """
    best = history.best
    assert best is not None  # the last step always takes a snapshot
    for name, variable in trainer.kept_weights().items():
        variable.assign(best.weights[name])
    replicas = trainer.strategy.num_replicas_in_sync
    card: dict[str, Any] = {
        "design": asdict(trainer.design),
        "class_names": list(class_names) if trainer.design.classes else [],
        "class_shares": class_shares,
        "precision": trainer.precision,
        **({"replicas": replicas} if replicas > 1 else {}),
        "parameters": {
            "generator": trainer.generator.count_params(),
            "discriminator": trainer.discriminator.count_params(),
        },
        "seed": trainer.seed,
        "train": trainer.params.model_dump(exclude_none=True, exclude={"strategy"}),
        "chosen": {f"train.{name}": choice.reason for name, choice in choices.items()},
        "versions": versions(),
        "snapshot": {"images": best.images, "validation_fd": round(best.fd, 6)},
        **({"diverged": history.diverged} if history.diverged else {}),
    }
    if trainer.start:
        card["start"] = {"card": trainer.start.sha256, "new_classes": trainer.start.new_classes}
    if trainer.own.files:
        card["own_code"] = dict(trainer.own.files)
    if trainer.own.layers:
        card[LAYERS] = trainer.own.layers
    with whole_folder(folder) as written:
        save_networks(written, trainer.averaged, trainer.discriminator, card)


def write_training(folder: Path, history: History) -> None:
    """Write the curves as CSV, and the picture of each snapshot as PNG."""
    with whole_folder(folder) as written:
        write_table(written / "history.csv", ["images", *STEP_METRICS], history.rows)
        write_table(written / "quality.csv", ["images", "fd"], history.quality)
        (written / "progress").mkdir()
        for seen, images in history.pictures.items():
            picture = image_grid(images, PICTURE_COLUMNS)
            write_png(written / "progress" / f"{seen:08d}.png", picture)


def write_table(path: Path, header: list[str], rows: Sequence[Sequence[float]]) -> None:
    """Write rows of a whole number and floats (six digits) as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([int(first), *(f"{value:.6g}" for value in rest)] for first, *rest in rows)
    write_text(path, text.getvalue())
