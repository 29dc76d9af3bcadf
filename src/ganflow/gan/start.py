"""A warm start: a training that begins with the networks of a trained model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import read_json, sha256_of
from ganflow.base.weights import read_weights
from ganflow.config.model import is_own
from ganflow.gan.networks.build import build_discriminator, build_generator, weights_of
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import CARD, design_of

AGAIN = "ganflow start REVISION, or set train.start: none in params.yaml"

Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Start:
    """Networks to start from, as a trainer of the new design can take them.

    Attributes:
        sha256: of the card of the model that they come from.
        images: that its training saw.
        new_classes: the classes that it did not have.
    """

    generator: Weights
    discriminator: Weights
    sha256: str
    images: int
    new_classes: list[str]

    @property
    def said(self) -> str:
        """A line for the log."""
        line = f"train.start: a model that was trained on {self.images:,} images"
        if self.new_classes:
            line += (
                f"; new classes, which begin with the mean of the others: "
                f"{', '.join(self.new_classes)}"
            )
        return line


def read_start(folder: Path, design: Design, class_names: Sequence[str]) -> Start:
    """Read the model of `folder` as the start of a training.

    What a class has in the weights is found by its name. A class that the model did not have begins
    with the mean of those that it had.

    Args:
        design: of the networks to be trained.
        class_names: of the data.

    Raises:
        DataError: there is no model, it is damaged, or its networks are others than `design`.
    """
    card_file = folder / CARD
    if not card_file.is_file():
        raise DataError(
            "there is no model to start from",
            where=str(folder),
            expected="a folder as data/model",
            run=AGAIN,
        )
    card = read_json(card_file)
    before, old_names = design_of(card), card["class_names"]
    _check_design(before, design, folder)
    generator, discriminator = (
        read_weights(folder / f"{name}.safetensors", card["sha256"][name])
        for name in ("generator", "discriminator")
    )
    new = [name for name in class_names if name not in old_names] if design.classes else []
    if design.classes and list(class_names) != old_names:
        if is_own(design.architecture):
            raise _other(folder, f"the classes {', '.join(old_names)}", ", ".join(class_names))
        places = [old_names.index(name) if name in old_names else None for name in class_names]
        more = replace(before, classes=before.classes + 1)
        generator = _with_classes(generator, build_generator(more), before.classes, places)
        discriminator = _with_classes(
            discriminator, build_discriminator(more), before.classes, places
        )
    images = card["snapshot"]["images"]
    return Start(generator, discriminator, sha256_of(card_file), images, new)


def _check_design(before: Design, design: Design, folder: Path) -> None:
    old, new = asdict(before), asdict(design)
    for each in (old, new):
        each["images"] = "{1} × {0} × {2}".format(*each.pop("shape"))
        each["labels"] = "classes" if each.pop("classes") else "no classes"
    for name, value in new.items():
        if value != old[name]:
            raise _other(folder, f"{name} {old[name]}", f"{value}")


def _other(folder: Path, found: str, needed: str) -> DataError:
    return DataError(
        f"the model to start from has {found}, and the training {needed}",
        where=str(folder),
        expected="a model of the same networks, for images of the same size",
        run=AGAIN,
    )


def _with_classes(
    weights: Weights, more: keras.Model, count: int, places: Sequence[int | None]
) -> Weights:
    """The weights with other classes.

    Args:
        more: the same network with one class more: an axis that is longer there ends with one entry
            for each class.
        count: of the classes that the weights have.
        places: of each new class among these; None is their mean.
    """
    changed = dict(weights)
    for name, variable in weights_of(more).items():
        for axis, size in enumerate(variable.shape):
            if size == weights[name].shape[axis]:
                continue
            other, classes = np.split(np.moveaxis(weights[name], axis, 0), [-count])
            mean = classes.mean(axis=0)
            rows = [mean if place is None else classes[place] for place in places]
            changed[name] = np.moveaxis(np.concatenate([other, rows]), 0, axis)
    return changed
