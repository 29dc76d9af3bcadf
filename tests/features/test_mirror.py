"""Which images a classifier tells from their mirror images."""

import numpy as np

from ganflow.features.mirror import TOLD_APART, mirror_accuracy

RNG = np.random.default_rng(0)


def blobs(count: int, right_only: bool) -> np.ndarray:
    """A bright square on noise, anywhere or in the right half alone: uint8 (count, 16, 16, 1)."""
    images = RNG.integers(0, 80, (count, 16, 16, 1))
    for image in images:
        row, column = RNG.integers(0, 12), RNG.integers(8 if right_only else 0, 12)
        image[row : row + 4, column : column + 4] += 150
    return images.astype(np.uint8)


def test_things_that_may_stand_anywhere_cannot_be_told() -> None:
    found = mirror_accuracy(blobs(400, False), blobs(200, False), bfloat16=False)
    assert 0.4 < found < TOLD_APART


def test_a_left_and_a_right_are_told() -> None:
    found = mirror_accuracy(blobs(400, True), blobs(200, True), bfloat16=False)
    assert found > 0.9
