"""What makes the numbers themselves doubtful, in sentences for whoever reads them.

They go into detail.json as `doubts`, and from there into the report, the terminal and the review.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganflow.features.planted_faults import describe_test, passes_test

POOR = 0.25
"""An extractor that closes less of the way from chance to certainty has learnt next to nothing."""

DISAGREEMENT = 1.5
"""Ratios under two extractors that differ by more than this factor are flagged."""

FEW = 200
"""Test images below which a distance says more about them than about the samples."""

COPYING = -3.0
"""A C_T this far below that of held-out real images, a standard normal's width being 1."""


def of_the_extractor(card: Mapping[str, Any], labels: np.ndarray | None, turns: int) -> list[str]:
    """Whether its features can be an evaluator at all, from its accuracy on the test split.

    Args:
        card: of the extractor.
        labels: (n,) of the test split; None where the extractor supervised itself.
        turns: positions between which it then had to tell.
    """
    accuracy = float(card["test_accuracy"])
    if labels is None or not card.get("classes"):
        chance, what = 1.0 / turns, f"finds how an image was turned {accuracy:.1%} of the time"
    else:
        chance = float(np.bincount(labels).max() / len(labels))
        what = f"reads {accuracy:.1%} of the test images right"
    if accuracy >= chance + POOR * (1.0 - chance):
        return []
    return [
        f"The extractor {what}, and guessing would {chance:.1%}: its features are a poor "
        "evaluator, and distances on them say little. Raise extractor.epochs, or give it more "
        "images.",
    ]


def of_planted_faults(card: Mapping[str, Any], name: str) -> list[str]:
    """Whether an extractor, by its card, misses faults that were planted in real images."""
    if passes_test(card):
        return []
    return [
        f"The {name} failed its test on faults planted in real images: "
        f"{describe_test(card['planted_faults'])}. Distances on it mean nothing, so the gate "
        "passes nothing. Judge the pictures by eye, or give the set more images."
    ]


def of_few_images(test: int) -> list[str]:
    """Whether the test split, of so many images, is too small for its distances."""
    if test >= FEW:
        return []
    return [
        f"The test split has {test} images, and distances to fewer than {FEW} depend on which "
        "they are. Compare models by their pictures and copies too."
    ]


def of_few_samples(samples: int, usual: int) -> list[str]:
    """Whether there are fewer samples than the evaluation of a model has."""
    if samples >= usual:
        return []
    return [
        f"There are {samples:,} samples, and {usual:,} are usual: distances of fewer are larger "
        "and vary more. Compare them with their baseline, and with those of as many samples."
    ]


def of_two_opinions(first: float, second: float) -> list[str]:
    """Whether the Fréchet ratios under two extractors are too far apart."""
    if agree(first, second):
        return []
    return [
        f"Two extractors disagree: the ratio is {first:.3g} under the one that chose the snapshot "
        f"and {second:.3g} under the other, more than {DISAGREEMENT:g} times apart. The samples "
        "may please the first alone."
    ]


def agree(first: float, second: float) -> bool:
    """Whether two ratios differ by no more than the tolerated factor."""
    return min(first, second) > 0 and max(first, second) <= DISAGREEMENT * min(first, second)


def of_copying(
    ct: float, held_out_ct: float, most_authentic: float, held_out_authentic: float
) -> list[str]:
    """Whether samples lie nearer to training images than real images that were held out.

    Args:
        ct, held_out_ct: C_T of the samples, and of held-out images in their place.
        most_authentic: upper end of the interval of the samples' authenticity.
        held_out_authentic: authenticity of the held-out images.
    """
    if ct >= min(0.0, held_out_ct) + COPYING or most_authentic >= held_out_authentic:
        return []
    return [
        "Samples lie nearer to training images than unseen real images do: C_T is "
        f"{ct:.3g}, and {held_out_ct:.3g} for real ones. Look at plots/neighbours.png for copies."
    ]
