"""Planted drifts are found, none at all is not, and the numbers are those of what was planted."""

from typing import Any

import numpy as np
import pytest

from ganflow.base.store import Store
from ganflow.incoming.arrivals import Arrivals
from ganflow.incoming.drift import (
    Drift,
    Levels,
    held_out_images,
    measure_drift,
    named_classes,
    pixel_statistics,
)
from tests.incoming.sets import blobs

LEVELS = Levels(drift=2e-4, class_share=1e-4)


def arrivals(images: np.ndarray, names: Any = None, digest: int = 1) -> Arrivals:
    classes = None if names is None else np.array(names)
    return Arrivals(len(images), images, classes, (), digest)


def describe() -> Any:
    """As of an extractor that sees where the bright column is, and no overall brightness."""

    def features(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = images.mean((1, 3))
        columns = columns / columns.mean(1, keepdims=True)
        return columns.astype(np.float32), (columns[:, 8] > columns[:, 3]).astype(np.int64)

    return features


def mixed(left: int, right: int, gain: float = 1.0) -> np.ndarray:
    return np.concatenate([blobs(left, 3, 10, gain), blobs(right, 8, 11, gain)])


def measure(images: np.ndarray, store: Store, names: Any = None, levels: Levels = LEVELS) -> Drift:
    return measure_drift(arrivals(images, names), store, levels, describe)


def test_images_like_those_of_the_training_are_no_drift(store: Store) -> None:
    found = measure(mixed(40, 40), store, ["left"] * 40 + ["right"] * 40)
    assert found.drifted == []
    assert found.shares_changed == ""
    assert (found.copies, found.new_classes) == (0.0, {})
    for test in (found.features, found.pixels, found.classes):
        assert test is not None
        assert test.p > 0.001


def test_brightness_is_found_by_the_pixels_that_the_extractor_does_not_see(store: Store) -> None:
    found = measure(mixed(40, 40, gain=0.9), store)
    assert found.features is not None
    assert not found.features.rejects
    (said,) = found.drifted
    assert said.startswith("brightness or sharpness differ")
    assert "p = 0.0001 at level 0.0001" in said


def test_another_content_is_found_by_the_features(store: Store) -> None:
    found = measure(np.concatenate([mixed(20, 20), blobs(40, 6, 12)]), store)
    assert found.drifted[0].startswith("features differ")


@pytest.mark.parametrize("named", [True, False])
def test_a_changed_mix_is_found_by_folders_or_by_what_the_extractor_sees(
    store: Store, named: bool
) -> None:
    names = ["left"] * 60 + ["right"] * 5 if named else None
    found = measure(mixed(60, 5), store, names, Levels(class_share=1e-4))
    assert "class left is 92.3% of what has arrived" in found.shares_changed
    assert found.features is None, "drift was not asked for"
    same = measure(mixed(33, 32), store, names and ["left"] * 33 + ["right"] * 32)
    assert same.shares_changed == ""


def test_new_classes_need_no_extractor_and_few_images(store: Store) -> None:
    def never() -> Any:
        raise AssertionError("the extractor was loaded")

    few = arrivals(mixed(3, 3), ["left"] * 3 + ["middle\x1b"] * 3)
    found = measure_drift(few, store, LEVELS, never)
    assert found.new_classes == {"middle\x1b": 3}
    assert "middle\\x1b (3)" in found.sentence
    assert found.features is None


def test_copies_are_counted_once_for_each_image_that_is_not_new(store: Store) -> None:
    train, test = store.split("train").images[:2], store.split("test").images[:1]
    new = blobs(4, 3, 20)
    found = measure(np.concatenate([train, test, new, new[:1]]), store)
    assert found.copies == pytest.approx(4 / 8)


def test_equal_arrivals_give_equal_results(store: Store) -> None:
    assert measure(mixed(40, 40), store) == measure(mixed(40, 40), store)


def test_held_out_images_are_no_training_images(store: Store) -> None:
    numbers = np.random.default_rng(0)
    held_out = held_out_images(store, numbers)
    sizes = store.card["splits"]
    assert len(held_out) == sizes["validation"] + sizes["test"]
    trained = {image.tobytes() for image in np.asarray(store.split("train").images)}
    assert not trained & {image.tobytes() for image in held_out}
    official = Store(store.folder, {**store.card, "official_splits": ["test"]})
    assert len(held_out_images(official, numbers)) == sizes["validation"]


def test_pixel_statistics_are_their_names() -> None:
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1, :, 2:] = 255
    flat, half = pixel_statistics(images)
    assert flat.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert half[:6].tolist() == [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert half[6:] == pytest.approx([0, 1 / 3, 1])


def test_many_new_classes_are_named_briefly() -> None:
    assert named_classes({f"c{n}": n for n in range(7)}) == (
        "c6 (6), c5 (5), c4 (4), c3 (3), c2 (2) and 2 more"
    )
