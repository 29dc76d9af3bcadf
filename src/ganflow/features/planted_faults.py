"""A test of an evaluator: planted faults must move its distance, and more so the stronger they are.

A network that has learned few training images by heart puts unseen real images as far away as
coloured blobs, and then calls blobs good. So faults are planted in real images that it has not
seen, and their distance to the training images is compared with that of the images as they are.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

MOST_HELD_OUT, MOST_TRAIN = 1000, 10_000
FEWEST_HELD_OUT = 32
"""With fewer images not seen in training, no distance means anything."""

TELLING = 2.0
"""How far a fault of middle strength must be, over real images' own distance: what the gate of
params.yaml refuses. The full faults are then far beyond it, as a bad generator, which has
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
) -> Iterator[tuple[str, np.ndarray]]:
    """Copies of images with faults: each fault in several strengths, the weakest first.

    One copy is made at a time, as all of them together may be larger than memory.

    Args:
        images: uint8 (N, H, W, C), real ones.
        groups: int (N,), their classes, or clusters where there are none.

    Yields:
        A fault's name and the copy: blur, noise, blobs (low-pass noise of the set's colours),
        patches that have changed places, and half the classes, which is a shorter array.
    """
    side = max(images.shape[1:3])
    for share in BLURS:
        yield "blur", _in_8_bits(_low_pass(images, side * share))
    for level in NOISES:
        noise = rng.standard_normal(images.shape, np.float32)
        noise *= level
        noise += images
        yield "noise", _in_8_bits(noise)
    del noise
    blobs = _blobs(images, side / 8, rng)
    order = rng.permutation(len(images))
    for share in SHARES:
        chosen = order[: round(share * len(order))]
        mixed = images.copy()
        mixed[chosen] = blobs[chosen]
        yield "blobs", mixed
    for parts in PATCHES:
        yield "patches", _shuffled(images, parts, rng)
    kinds, sizes = np.unique(groups, return_counts=True)
    smallest = kinds[np.argsort(sizes, kind="stable")][: max(1, int(KEPT * len(kinds)))]
    yield "classes", images[np.isin(groups, smallest)]


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

    found: dict[str, list[float]] = {}
    for name, faulty in planted_faults(real, groups, np.random.default_rng(0)):
        found.setdefault(name, []).append(over_real(faulty))
    return found


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
        f"{name} ({strengths[len(strengths) // 2]:.3g}"
        for name, strengths in over_real.items()
        if not passes({name: strengths})
    ]
    if not missed:
        return "all faults are told"
    missed[0] += " times real images' distance"
    return f"it misses planted faults: {'), '.join(missed)})"


def passes_test(card: Mapping[str, Any]) -> bool:
    """Whether an extractor passed, by its card; one of an earlier version was not tested."""
    return "planted_faults" not in card or passes(card["planted_faults"])


def _in_8_bits(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C), changed in place, as uint8."""
    return np.clip(np.rint(images, out=images), 0, 255, out=images).astype(np.uint8)


def _low_pass(images: np.ndarray, deviation: float) -> np.ndarray:
    """Images (N, H, W, C) blurred by a Gaussian, around the edges, in float32."""
    rows = np.fft.fftfreq(images.shape[1])[:, None, None]
    columns = np.fft.rfftfreq(images.shape[2])[:, None]
    kept = np.exp(-2 * (np.pi * deviation) ** 2 * (rows**2 + columns**2)).astype(np.float32)
    blurred = np.empty(images.shape, np.float32)
    for image, result in zip(images, blurred, strict=True):
        spectrum = np.fft.rfft2(image.astype(np.float32), axes=(0, 1))
        result[:] = np.fft.irfft2(kept * spectrum, image.shape[:2], axes=(0, 1))
    return blurred


def _blobs(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Low-pass noise, uint8, with the mean and the covariance of the images' colours."""
    noise = _low_pass(rng.standard_normal(images.shape, np.float32), deviation)
    noise /= noise.std()
    colours = images.reshape(len(images), -1, images.shape[3])
    mean = colours.mean(axis=(0, 1), dtype=np.float64)
    squares = sum((image - mean).T @ (image - mean) for image in colours)
    covariance = squares / colours[..., 0].size + 1e-3 * np.eye(len(mean))
    mixed = noise @ np.linalg.cholesky(covariance).T.astype(np.float32)
    mixed += mean.astype(np.float32)
    return _in_8_bits(mixed)


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
