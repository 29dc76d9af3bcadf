"""What `auto` becomes, and why."""

from pathlib import Path

import pytest

from ganflow.base.errors import DataError
from ganflow.base.store import Store
from ganflow.config.train import Penalties, Penalty, TrainParams
from ganflow.gan.defaults import Facts, choose, facts_of

ALL = ["color", "translation", "cutout"]


def facts(images: int = 50_000, mirror_accuracy: float = 0.99) -> Facts:
    return Facts((28, 28, 1), images, mirror_accuracy)


def test_many_digits_are_neither_augmented_nor_mirrored() -> None:
    train, choices = choose(TrainParams(), facts())
    assert (train.augmentation, train.mirror) == ([], False)
    assert "99%" in choices["mirror"].reason
    assert "50,000" in choices["augmentation"].reason


@pytest.mark.parametrize(
    ("images", "mirror_accuracy", "expected"),
    [(300, 0.97, (ALL, False)), (300, 0.52, (ALL, True)), (90_000, 0.59, ([], True))],
)
def test_by_the_number_of_images_and_by_what_a_mirror_does(
    images: int, mirror_accuracy: float, expected: tuple[list[str], bool]
) -> None:
    train, _ = choose(TrainParams(), facts(images, mirror_accuracy))
    assert (train.augmentation, train.mirror) == expected


@pytest.mark.parametrize(
    ("shape", "weight"), [((28, 28, 1), 1.0), ((32, 32, 3), 1.0), ((48, 64, 3), 5.0)]
)
def test_larger_images_have_a_heavier_r1(shape: tuple[int, int, int], weight: float) -> None:
    train, choices = choose(TrainParams(), Facts(shape, 50_000, 0.99))
    assert train.penalties.r1 == Penalty(weight=weight, interval=8)
    assert train.penalties.r2 is None
    assert f"{shape[1]} × {shape[0]}" in choices["penalties.r1.weight"].reason


def test_what_is_set_stays() -> None:
    penalties = Penalties(r1=Penalty(weight=3.0), js=Penalty(weight=2.0))
    given = TrainParams(augmentation=["cutout"], mirror=False, penalties=penalties)
    train, choices = choose(given, facts(300, 0.5))
    assert train == given
    assert choices == {}


def test_the_facts_stand_on_two_cards() -> None:
    store = Store(Path("nowhere"), {"shape": [28, 20, 1], "splits": {"train": 700}})
    assert facts_of(store, {"mirror_accuracy": 0.7}) == Facts((28, 20, 1), 700, 0.7)
    with pytest.raises(DataError, match="mirrored") as error:
        facts_of(store, {})
    assert error.value.run == "dvc repro extractor"
