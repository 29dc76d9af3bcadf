"""What `auto` stands for in the section `train`, decided by the prepared set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganflow.base.errors import DataError
from ganflow.base.store import Store
from ganflow.config.train import TrainParams
from ganflow.features.mirror import TOLD_APART
from ganflow.gan.inputs import LARGE

FEW_IMAGES = 5_000
"""Training images below which a discriminator learns them by heart unless they are augmented."""


@dataclass(frozen=True)
class Facts:
    """What the choices are made by.

    Attributes:
        shape: height, width and channels of an image.
        images: in the training split.
        mirror_accuracy: how often the set's images are told from their mirror images.
    """

    shape: tuple[int, int, int]
    images: int
    mirror_accuracy: float


@dataclass(frozen=True)
class Choice:
    """The value that `auto` stands for, and why."""

    value: Any
    reason: str


def facts_of(store: Store, extractor_card: Mapping[str, Any]) -> Facts:
    """The facts of a prepared set and of the extractor that was trained on it.

    Raises:
        DataError: the extractor is of an earlier version.
    """
    if "mirror_accuracy" not in extractor_card:
        raise DataError(
            "the extractor's card does not say whether the images may be mirrored",
            where="data/extractor/card.json",
            expected="the output of this version's extractor stage",
            run="dvc repro extractor",
        )
    images = store.card["splits"]["train"]
    return Facts(store.shape, images, extractor_card["mirror_accuracy"])


def choose(train: TrainParams, facts: Facts) -> tuple[TrainParams, dict[str, Choice]]:
    """The section without `auto` but in `strategy`, and what was chosen by the keys' names."""
    choices = {
        name: choice(facts) for name, choice in CHOICES.items() if getattr(train, name) == "auto"
    }
    values = {name: choice.value for name, choice in choices.items()}
    given = {name: getattr(train.penalties, name) for name in ("r1", "r2")}
    weights = {name: one for name, one in given.items() if one and one.weight == "auto"}
    if weights:
        weight = _penalty_weight(facts)
        choices |= {f"penalties.{name}.weight": weight for name in weights}
        values["penalties"] = train.penalties.model_copy(
            update={
                name: penalty.model_copy(update={"weight": weight.value})
                for name, penalty in weights.items()
            }
        )
    return train.model_copy(update=values), choices


def _augmentation(facts: Facts) -> Choice:
    if facts.images >= FEW_IMAGES:
        return Choice([], f"{facts.images:,} training images are enough without")
    return Choice(
        ["color", "translation", "cutout"],
        f"{facts.images:,} training images, fewer than {FEW_IMAGES:,}",
    )


def _mirror(facts: Facts) -> Choice:
    told = f"a classifier tells {facts.mirror_accuracy:.0%} of unseen images from mirrored ones"
    if facts.mirror_accuracy < TOLD_APART:
        return Choice(True, f"{told}, and a guess 50%")
    return Choice(False, f"{told}: they have a left and a right")


def _penalty_weight(facts: Facts) -> Choice:
    height, width, _ = facts.shape
    large = max(height, width) > LARGE
    return Choice(
        5.0 if large else 1.0,
        f"images of {width} × {height} pixels, {'above' if large else 'up to'} {LARGE}",
    )


CHOICES = {"augmentation": _augmentation, "mirror": _mirror}
