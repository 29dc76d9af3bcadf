"""Planted faults: what they do to images, and which evaluators they find out."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganflow.config.params import load
from ganflow.features.planted_faults import (
    TELLING,
    describe_test,
    distances_over_real,
    passes,
    passes_test,
    planted_faults,
)
from ganflow.metrics.frechet import frechet_distance

RNG = np.random.default_rng(0)
GROUPS = np.arange(400) % 4


def pictures(groups: np.ndarray, side: int = 16) -> np.ndarray:
    """A bright square on a darker ground, in a corner that the group names, with some noise."""
    images = RNG.normal(60, 12, (len(groups), side, side, 3))
    for image, group in zip(images, groups, strict=True):
        row, column = divmod(int(group), 2)
        half = side // 2
        size = RNG.integers(half - 3, half)
        image[row * half : row * half + size, column * half : column * half + size] += 120
    return images.clip(0, 255).astype(np.uint8)


def planted(images: np.ndarray, groups: np.ndarray) -> dict[str, list[np.ndarray]]:
    """The copies of each fault, in its strengths."""
    found: dict[str, list[np.ndarray]] = {}
    for name, faulty in planted_faults(images, groups, np.random.default_rng(1)):
        found.setdefault(name, []).append(faulty)
    return found


IMAGES = pictures(GROUPS)
FAULTS = planted(IMAGES, GROUPS)


def test_faults_are_images_of_the_same_form() -> None:
    assert set(FAULTS) == {"blur", "noise", "blobs", "patches", "classes"}
    for name, strengths in FAULTS.items():
        for faulty in strengths:
            assert faulty.dtype == np.uint8
            assert faulty.shape[1:] == IMAGES.shape[1:]
            assert len(faulty) == (200 if name == "classes" else 400)


def test_blur_takes_detail_and_noise_adds_it() -> None:
    def detail(images: np.ndarray) -> float:
        return float(np.abs(np.diff(images.astype(int), axis=2)).mean())

    levels = [detail(faulty) for faulty in (*FAULTS["blur"][::-1], IMAGES, *FAULTS["noise"])]
    assert levels == sorted(levels)


def test_blobs_have_the_colours_and_patches_the_pixels_of_the_images() -> None:
    blobs = FAULTS["blobs"][-1].reshape(-1, 3).astype(float)
    real = IMAGES.reshape(-1, 3).astype(float)
    assert abs(blobs.mean() - real.mean()) < 8
    assert 0.6 < blobs.std() / real.std() < 1.2
    for faulty in FAULTS["patches"]:
        assert not np.array_equal(faulty, IMAGES)
        np.testing.assert_array_equal(
            np.sort(faulty.reshape(400, -1), axis=1), np.sort(IMAGES.reshape(400, -1), axis=1)
        )


def test_some_images_are_replaced_and_the_others_stay() -> None:
    same = [(faulty == IMAGES).all(axis=(1, 2, 3)).mean() for faulty in FAULTS["blobs"]]
    assert same == [0.75, 0.5, 0.0]


def test_the_smaller_half_of_the_classes_is_left() -> None:
    groups = np.repeat([0, 1, 2, 3], [100, 50, 150, 100])
    (left,) = planted(IMAGES, groups)["classes"]
    kept = {image.tobytes() for image in left}
    assert {image.tobytes() for image in IMAGES[groups == 1]} <= kept
    assert not {image.tobytes() for image in IMAGES[groups == 2]} & kept
    assert len(left) == 150


def test_one_copy_is_in_memory_at_a_time() -> None:
    images = RNG.integers(0, 256, (100, 64, 64, 3), dtype=np.uint8)
    tracemalloc.start()
    for _ in planted_faults(images, np.arange(100) % 4, np.random.default_rng(0)):
        pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * images.astype(np.float32).nbytes


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Honest features: every image at 4 × 4, and how much detail it has."""
    small = [np.asarray(Image.fromarray(i).resize((4, 4), Image.Resampling.BOX)) for i in images]
    rough = np.abs(np.diff(images.astype(np.float64), axis=2)).mean(axis=(1, 2, 3))
    flat = np.stack(small).reshape(len(images), -1).astype(np.float64)
    return np.concatenate([flat / 8, 4 * rough[:, None]], axis=1)


def by_heart(images: np.ndarray) -> np.ndarray:
    """Features of a network that knows its training images and finds all others alike."""
    known = {image.tobytes() for image in TRAIN}
    features = np.stack([np.random.default_rng(int(i.sum())).normal(size=8) for i in images])
    return features + [5 * (image.tobytes() in known) * np.ones(8) for image in images]


TRAIN = pictures(np.arange(600) % 4)


def test_an_evaluator_that_sees_images_passes() -> None:
    over_real = distances_over_real(thumbnails, frechet_distance, TRAIN, IMAGES, GROUPS)
    assert passes(over_real), over_real
    assert passes_test({"planted_faults": over_real})


def test_one_that_knows_its_images_by_heart_does_not() -> None:
    over_real = distances_over_real(by_heart, frechet_distance, TRAIN, IMAGES, GROUPS)
    assert not passes(over_real)
    assert over_real["blobs"][-1] < 2


@pytest.mark.parametrize("images", [0, 10, 20])
def test_with_too_few_images_nothing_passes(images: int) -> None:
    over_real = distances_over_real(
        thumbnails, frechet_distance, TRAIN, IMAGES[:images], GROUPS[:images]
    )
    assert not passes(over_real)


@pytest.mark.parametrize(
    ("strengths", "expected"),
    [([1.1, 2.0, 2.0], True), ([1.1, 1.9, 9.0], False), ([3.0, 2.0, 4.0], False), ([5.0], True)],
)
def test_stronger_faults_must_be_farther(strengths: list[float], expected: bool) -> None:
    assert passes({"blur": strengths}) == expected


def test_an_extractor_of_an_earlier_version_was_not_tested() -> None:
    assert passes_test({})
    assert not passes_test({"planted_faults": {}})


def test_what_is_missed_is_named_with_its_middle_strength() -> None:
    found = {"blur": [1.1, 1.31, 9.0], "patches": [1.1, 3.0, 9.0], "noise": [1.0, 1.1, 1.8]}
    assert describe_test(found) == (
        "it misses planted faults: blur (1.31 times real images' distance), noise (1.1)"
    )
    assert describe_test({"patches": [1.1, 3.0, 9.0]}) == "all faults are told"


def test_a_fault_that_is_told_is_one_that_the_gate_refuses() -> None:
    assert load(Path(__file__).parents[2] / "params.yaml").gate.limits["fd.ratio"].most == TELLING
