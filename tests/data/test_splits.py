"""Splits: decided by the image alone, and no image in two of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.data.splits import (
    DROPPED,
    TEST,
    TRAIN,
    UNDECIDED,
    VALIDATION,
    assign,
    drop_copies,
    share_for_test,
)


def random_digests(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 2), dtype=np.uint64)


def undecided(count: int) -> np.ndarray:
    return np.full(count, UNDECIDED, np.int8)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(0, 300), st.floats(0.01, 0.49), st.floats(0.01, 0.49))
def test_adding_images_moves_no_old_one(
    old: int, new: int, test_share: float, validation_share: float
) -> None:
    digests = random_digests(old + new)
    before = assign(undecided(old), digests[:old], test_share, validation_share)
    after = assign(undecided(old + new), digests, test_share, validation_share)
    np.testing.assert_array_equal(after[:old], before)


def test_a_larger_share_keeps_what_was_held_out() -> None:
    digests = random_digests(5000)
    small = assign(undecided(5000), digests, 0.1, 0.1)
    large = assign(undecided(5000), digests, 0.1, 0.2)
    assert (large[small == VALIDATION] == VALIDATION).all()
    np.testing.assert_array_equal(small == TEST, large == TEST)


def test_shares_are_those_asked_for() -> None:
    splits = assign(undecided(100_000), random_digests(100_000), 0.2, 0.25)
    # Binomial: five standard deviations of the mean.
    assert abs((splits == TEST).mean() - 0.2) < 5 * (0.2 * 0.8 / 1e5) ** 0.5
    assert abs((splits == VALIDATION).mean() - 0.8 * 0.25) < 5 * (0.2 * 0.8 / 1e5) ** 0.5


def test_official_splits_stay_whole() -> None:
    official = undecided(1000)
    official[:300] = TEST
    splits = assign(official, random_digests(1000), 0.4, 0.2)
    np.testing.assert_array_equal(splits == TEST, official == TEST)
    assert (splits[300:] == VALIDATION).any()
    official[300:400] = VALIDATION
    splits = assign(official, random_digests(1000), 0.4, 0.2)
    np.testing.assert_array_equal(splits == VALIDATION, official == VALIDATION)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([TRAIN, VALIDATION, TEST]), st.integers(0, 9))))
def test_no_image_stands_in_two_splits(images: list[tuple[int, int]]) -> None:
    splits = np.array([split for split, _ in images], np.int8)
    pixels = np.array([[0, image] for _, image in images], np.uint64).reshape(-1, 2)
    kept, copies = drop_copies(splits, pixels)
    assert copies == len(images) - len({image for _, image in images})
    for image in range(10):
        same = pixels[:, 1] == image
        left = set(kept[same].tolist()) - {DROPPED}
        if same.any():
            assert left == {splits[same].max()}
    assert ((kept == splits) | (kept == DROPPED)).all()
    np.testing.assert_array_equal(kept[splits == TEST], splits[splits == TEST])


def test_a_source_without_a_test_split_gives_some_of_its_training_images() -> None:
    official = np.array([TRAIN] * 800 + [VALIDATION] * 200, np.int8)
    splits = assign(official, random_digests(1000), 0.2, 0.1)
    assert (splits[800:] == VALIDATION).all()
    assert 100 < (splits[:800] == TEST).sum() < 220
    assert not (splits[:800] == VALIDATION).any()


def test_copies_within_a_split_are_dropped_if_asked_for() -> None:
    splits = np.array([TRAIN, TRAIN, TRAIN, TEST, TEST, VALIDATION, DROPPED], np.int8)
    pixels = np.array([[0, 1], [0, 1], [0, 2], [0, 3], [0, 3], [0, 1], [0, 4]], np.uint64)
    kept, copies = drop_copies(splits, pixels, within=True)
    assert kept.tolist() == [DROPPED, DROPPED, TRAIN, TEST, DROPPED, VALIDATION, DROPPED]
    assert copies == 3


@given(st.integers(8, 5000))
def test_a_growing_set_moves_no_image_into_the_test_split(images: int) -> None:
    assert share_for_test(images + 1) <= share_for_test(images)
    assert 0.1 <= share_for_test(images) <= 0.25
