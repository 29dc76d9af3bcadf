"""Assign images to splits, each by its own content and independently of the others.

An image's digest, the first 128 bits of its SHA-256 as two 64-bit numbers, is a uniformly
distributed point of the unit square. Shares are thresholds on it, so adding images moves no
other image to another split.
"""

import math

import numpy as np

from ganflow.base.store import SPLITS

TRAIN, VALIDATION, TEST = range(len(SPLITS))
DROPPED = -1
UNDECIDED = -2
TEST_SHARES = ((1_000, 0.25), (2_500, 0.2), (math.inf, 0.1))
"""Below which number of images which share is for the test split."""

SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "trainset": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "valset": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "testset": TEST,
}


def assign(
    official: np.ndarray, digests: np.ndarray, test_share: float, validation_share: float
) -> np.ndarray:
    """The split of every image.

    Args:
        official: int8 (N,), the split the source itself names, or `UNDECIDED`.
        digests: uint64 (N, 2), of the images' source content.
        test_share: of the undecided and the training images, where the source names no test image.
        validation_share: of the remaining training images, where it names no validation image.

    Returns:
        int8 (N,): indices into `SPLITS`.
    """
    splits = official.copy()
    undecided = splits == UNDECIDED
    splits[undecided] = TRAIN
    if not (official == TEST).any():
        splits[(splits == TRAIN) & _below(digests[:, 0], test_share)] = TEST
    if not (official == VALIDATION).any():
        splits[(splits == TRAIN) & _below(digests[:, 1], validation_share)] = VALIDATION
    return splits


def share_for_test(images: int) -> float:
    """The share of a source's images that the test split takes, if nothing else is asked for.

    A distance to a few dozen images says little, so small sets give a larger share. As a set grows
    past a bound, images move from test to train and never the other way.
    """
    return next(share for most, share in TEST_SHARES if images < most)


def drop_copies(
    splits: np.ndarray, pixels: np.ndarray, *, within: bool = False
) -> tuple[np.ndarray, int]:
    """Drop images that are in several splits: from train and validation, never from test.

    Args:
        splits: int8 (N,), from `assign`; those already `DROPPED` are ignored.
        pixels: uint64 (N, 2), digests of the prepared images.
        within: whether all but one of the copies within a split are dropped too, of test as well;
            else how often an image occurs is part of the data.

    Returns:
        the new splits, and the number of images that are copies of another one in any split.
    """
    order = np.lexsort((pixels[:, 1], pixels[:, 0]))
    order = order[splits[order] != DROPPED]
    if not len(order):
        return splits.copy(), 0
    ordered = pixels[order]
    begins = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    group = np.cumsum(begins) - 1
    highest = np.maximum.reduceat(splits[order], np.flatnonzero(begins))
    kept = splits.copy()
    kept[order[splits[order] < highest[group]]] = DROPPED
    if within:
        left = np.flatnonzero(kept != DROPPED)
        _, first = np.unique(pixels[left], axis=0, return_index=True)
        kept[np.delete(left, first)] = DROPPED
    return kept, int(len(order) - begins.sum())


def _below(values: np.ndarray, share: float) -> np.ndarray:
    return values < np.uint64(min(int(share * 2**64), 2**64 - 1))
