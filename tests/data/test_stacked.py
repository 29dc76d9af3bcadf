"""Stacked MNIST: three independent even draws, labels in step with the channels."""

import numpy as np

from ganflow.data.stacked import draw, stack, stack_labels, stack_names


def test_every_triple_of_digits_is_as_likely() -> None:
    digits = np.arange(1000) % 10
    labels = stack_labels(digits[draw(1000, 100_000, 0)], 10)
    counts = np.bincount(labels, minlength=1000)
    # χ² over 1,000 cells: mean 999, standard deviation √1998.
    chi_square = ((counts - 100) ** 2 / 100).sum()
    assert abs(chi_square - 999) < 5 * 1998**0.5


def test_channels_and_labels_are_in_the_same_order() -> None:
    images = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4, 1)
    stacked = stack(images)
    assert stacked.shape == (2, 4, 4, 3)
    for channel in range(3):
        np.testing.assert_array_equal(stacked[..., channel], images[:, channel, :, :, 0])
    label = int(stack_labels(np.array([[2, 0, 1]]), 3)[0])
    assert stack_names(["a", "b", "c"])[label] == "c·a·b"


def test_a_draw_is_the_same_every_time_and_another_for_each_split() -> None:
    np.testing.assert_array_equal(draw(50, 20, 0), draw(50, 20, 0))
    assert (draw(50, 20, 0) != draw(50, 20, 1)).any()
