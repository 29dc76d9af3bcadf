"""A test of an evaluator: planted faults must move its distance, and more so the stronger they are.

A network that has learned few training images by heart puts unseen real images as far away as
coloured blobs, and then calls blobs good. So faults are planted in real images that it has not
seen, and their distance to the training images is compared with that of the images as they are.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

MOST_HELD_OUT, MOST_TRAIN = 1000, 10_000
FEWEST_HELD_OUT = 32
"""With fewer images not seen in training, no distance means anything."""

TELLING = 2.0
"""How far a fault of middle strength must be, over real images' own distance: what the gate's
default limit refuses. The full faults are then far beyond it, as a bad generator, which has
learned to be near, should be."""

SLACK = 0.95
"""What a stronger fault must at least reach of the weaker one's distance: they are measured."""

BLURS = (1 / 48, 1 / 24, 1 / 12)
"""Standard deviations, as shares of the longer side."""

NOISES = (15, 40, 90)
"""Standard deviations, of 255."""

SHARES = (0.25, 0.5, 1.0)
"""Of the images that are replaced by blobs."""

PATCHES = (2, 4, 8)
"""Patches along a side, which change places."""

KEPT = 0.5
"""The share of the classes that is left, the smallest ones."""


def planted_faults(
    images: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> dict[str, list[np.ndarray]]:
    """Copies of images with faults, in several strengths, the weakest first.

    Args:
        images: uint8 (N, H, W, C), real ones.
        groups: int (N,), their classes, or clusters where there are none.

    Returns:
        By the fault's name: blur, noise, blobs (low-pass noise of the set's colours), patches
        that have changed places, and half the classes, which is a shorter array.
    """
    real = images.astype(np.float32)
    side = max(images.shape[1:3])
    blobs = _blobs(real, side / 8, rng)
    order = rng.permutation(len(images))
    sizes = np.argsort(np.bincount(groups)[np.unique(groups)], kind="stable")
    kinds = np.unique(groups)[sizes]
    replaced = []
    for share in SHARES:
        mixed = real.copy()
        chosen = order[: round(share * len(order))]
        mixed[chosen] = blobs[chosen]
        replaced.append(mixed)
    found = {
        "blur": [_low_pass(real, side * share) for share in BLURS],
        "noise": [real + rng.normal(0, level, real.shape) for level in NOISES],
        "blobs": replaced,
        "patches": [_shuffled(real, parts, rng) for parts in PATCHES],
        "classes": [real[np.isin(groups, kinds[: max(1, int(KEPT * len(kinds)))])]],
    }
    return {
        name: [np.rint(faulty).clip(0, 255).astype(np.uint8) for faulty in strengths]
        for name, strengths in found.items()
    }


def distances_over_real(
    describe: Callable[[np.ndarray], np.ndarray],
    distance: Callable[[np.ndarray, np.ndarray], float],
    train: np.ndarray,
    held_out: np.ndarray,
    groups: np.ndarray,
) -> dict[str, list[float]]:
    """The distance of each planted fault to the training images, over that of real images.

    Args:
        describe: from uint8 images to the evaluator's features.
        distance: between two sets of features.
        train, held_out: uint8 (n, H, W, C) and (m, H, W, C), in random order.
        groups: int (m,), classes or clusters of `held_out`.

    Returns:
        By the fault's name, for each strength; empty with too few images.
    """
    real, groups = held_out[:MOST_HELD_OUT], groups[:MOST_HELD_OUT]
    if len(real) < FEWEST_HELD_OUT:
        return {}
    known, seen = describe(train[:MOST_TRAIN]), describe(real)

    def over_real(faulty: np.ndarray) -> float:
        # as many real ones, because the distance of fewer images is greater
        baseline = distance(known, seen[: len(faulty)])
        return round(distance(known, describe(faulty)) / max(baseline, 1e-9), 3)

    faults = planted_faults(real, groups, np.random.default_rng(0))
    return {name: [over_real(faulty) for faulty in strengths] for name, strengths in faults.items()}


def passes(over_real: dict[str, list[float]]) -> bool:
    """Whether an evaluator tells every planted fault, and which one is stronger."""
    return bool(over_real) and all(
        strengths[len(strengths) // 2] >= TELLING
        and all(stronger >= SLACK * weaker for weaker, stronger in pairwise(strengths))
        for strengths in over_real.values()
    )


def describe_test(over_real: dict[str, list[float]]) -> str:
    """What the test of an evaluator found, in a few words."""
    if not over_real:
        return f"not tested, as fewer than {FEWEST_HELD_OUT} images are held out"
    missed = [
        f"{name} ({', '.join(f'{ratio:.3g}' for ratio in strengths)} times real images' distance)"
        for name, strengths in over_real.items()
        if not passes({name: strengths})
    ]
    return f"it misses planted faults: {'; '.join(missed)}" if missed else "all faults are told"


def passes_test(card: Mapping[str, Any]) -> bool:
    """Whether an extractor passed, by its card; one of an earlier version was not tested."""
    return "planted_faults" not in card or passes(card["planted_faults"])


def _low_pass(images: np.ndarray, deviation: float) -> np.ndarray:
    """Images (N, H, W, C) blurred by a Gaussian, around the edges."""
    rows = np.fft.fftfreq(images.shape[1])[:, None]
    columns = np.fft.rfftfreq(images.shape[2])[None]
    kept = np.exp(-2 * (np.pi * deviation) ** 2 * (rows**2 + columns**2))
    spectrum = np.fft.rfft2(images, axes=(1, 2)) * kept[None, ..., None]
    return np.fft.irfft2(spectrum, images.shape[1:3], axes=(1, 2))


def _blobs(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Low-pass noise with the mean and the covariance of the images' colours."""
    noise = _low_pass(rng.normal(size=images.shape), deviation)
    noise /= noise.std()
    colours = images.reshape(-1, images.shape[3]).astype(np.float64)
    covariance = np.atleast_2d(np.cov(colours.T)) + 1e-3 * np.eye(images.shape[3])
    return np.asarray(colours.mean(axis=0) + noise @ np.linalg.cholesky(covariance).T)


def _shuffled(images: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Images whose parts × parts patches have changed places."""
    height, width = (side // parts for side in images.shape[1:3])
    changed = images.copy()
    for image, before in zip(changed, images, strict=True):
        for place, other in enumerate(rng.permutation(parts * parts)):
            (row, column), (down, right) = divmod(place, parts), divmod(int(other), parts)
            image[row * height : (row + 1) * height, column * width : (column + 1) * width] = (
                before[down * height : (down + 1) * height, right * width : (right + 1) * width]
            )
    return changed
