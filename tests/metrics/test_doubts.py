"""What is doubtful is said, and what is not is let alone."""

import numpy as np
import pytest

from ganflow.metrics.doubts import (
    agree,
    of_copying,
    of_few_images,
    of_planted_faults,
    of_the_extractor,
    of_two_opinions,
)

EVEN = np.arange(1000) % 10


@pytest.mark.parametrize(
    ("accuracy", "labels", "poor"),
    [
        (0.99, EVEN, False),
        (0.40, EVEN, False),  # far from good, and three tenths of the way from chance
        (0.15, EVEN, True),
        (0.92, np.repeat([0, 1], [910, 90]), True),  # the commoner class alone is 91 %
        (0.26, None, True),
        (0.90, None, False),
    ],
)
def test_an_extractor_that_guesses_is_no_evaluator(
    accuracy: float, labels: np.ndarray | None, poor: bool
) -> None:
    card = {"test_accuracy": accuracy, **({} if labels is None else {"classes": ["a", "b"]})}
    found = of_the_extractor(card, labels, turns=4)
    assert bool(found) is poor
    assert all(f"{accuracy:.1%}" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [(1.2, 1.2, True), (1.2, 1.79, True), (1.2, 1.81, False), (1.81, 1.2, False), (0, 1, False)],
)
def test_opinions_may_differ_by_half(first: float, second: float, same: bool) -> None:
    assert agree(first, second) is same
    assert bool(of_two_opinions(first, second)) is not same


@pytest.mark.parametrize(
    ("ct", "held_out_ct", "most_authentic", "copies"),
    [
        (-50.0, -1.0, 0.02, True),
        (-3.5, -1.0, 0.02, False),  # real images nearly score this too
        (-50.0, -1.0, 0.6, False),
        (2.0, 8.0, 0.4, False),  # farther than the test images: not a copy
    ],
)
def test_copying_is_told_by_both_measures(
    ct: float, held_out_ct: float, most_authentic: float, copies: bool
) -> None:
    found = of_copying(ct, held_out_ct, most_authentic, held_out_authentic=0.55)
    assert bool(found) is copies


def test_an_evaluator_that_misses_faults_says_which() -> None:
    card = {"planted_faults": {"blur": [1.1, 3.0, 9.0], "blobs": [1.0, 1.2, 1.8]}}
    (sentence,) = of_planted_faults(card, "second extractor")
    assert "second extractor" in sentence
    assert "blobs (1.2 times" in sentence
    assert "blur" not in sentence
    (sentence,) = of_planted_faults({"planted_faults": {}}, "extractor")
    assert "fewer than 32 images" in sentence
    assert of_planted_faults({"planted_faults": {"blur": [1.1, 3.0, 9.0]}}, "extractor") == []
    assert of_planted_faults({}, "extractor") == [], "a card of an earlier version"


def test_few_test_images_are_a_doubt() -> None:
    assert "41 images" in of_few_images(41)[0]
    assert of_few_images(200) == []
