"""Find images that look alike: a perceptual hash finds candidates, and their pixels decide.

The hash is the sign pattern of an image's 64 lowest frequencies (a discrete cosine transform,
without the zeroth row and column) against their median, as in Zauner, *Implementation and
benchmarking of perceptual image hash functions* (2010). It changes little when an image is
resized, recompressed or brightened.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

SIDE = 8
NEIGHBOURS = 8
AT_ONCE = 128
"""Pairs of images in memory at a time."""

ALIKE = 0.99
"""The correlation of pixels from which two images count as the same picture."""


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """64-bit hashes of images, uint8 (n, h, w, c): uint64 (n,)."""
    count, height, width, channels = images.shape
    rows = images.reshape(count, height, width * channels).astype(np.float32)
    across = np.repeat(_cosines(width), channels, axis=1).T  # which adds up the channels as well
    flat = (_cosines(height) @ rows @ across).reshape(count, SIDE * SIDE)
    bits = flat > np.sort(flat, axis=1)[:, 31:33].mean(axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)


def near_pairs(
    hashes: np.ndarray, distance: int, rows: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Pairs of images that look alike: int64 (p, 2), the smaller index first, ascending.

    The hashes are sorted four times, each time rotated by 16 bits, and each is compared with the
    next `NEIGHBOURS` (Charikar, 2002). Time and memory stay proportional to N on any data, but a
    few pairs among many similar images are missed.

    Args:
        hashes: uint64 (N,), from `perceptual_hashes`.
        distance: bits in which two of a pair may differ.
        rows: gives images, uint8 (n, h, w, c), for indices, int64 (n,).
    """
    found = [np.empty((0, 2), np.int64)]
    for bits in map(np.uint64, (0, 16, 32, 48)):
        turned = (hashes << bits) | (hashes >> (np.uint64(64) - bits))
        order = np.argsort(turned, kind="stable")
        ordered = hashes[order]
        for step in range(1, min(NEIGHBOURS, len(hashes) - 1) + 1):
            differing = np.bitwise_count(ordered[step:] ^ ordered[:-step])
            at = np.flatnonzero(differing <= distance)
            found.append(np.stack([order[at], order[at + step]], axis=1))
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    kept = [
        part[_correlation(rows(part[:, 0]), rows(part[:, 1])) >= ALIKE]
        for part in np.array_split(pairs, len(pairs) // AT_ONCE + 1)
        if len(part)
    ]
    return np.concatenate(kept) if kept else pairs


def keep_one(splits: np.ndarray, pairs: np.ndarray, train: int) -> np.ndarray:
    """Drop all but one of each group that looks alike; test images are never dropped.

    The one that stays is the first of the test split, else of validation, else of train.

    Args:
        splits: int8 (N,).
        pairs: int64 (p, 2), from `near_pairs`.
        train: the number of the training split.

    Returns:
        int8 (N,): the splits, with -1 for images that are dropped.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(splits)
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (size, size))
    touched = np.unique(pairs)
    groups = connected_components(graph, directed=False)[1][touched]
    kept = splits.copy()
    test = train + 2
    for group in np.unique(groups):
        members = touched[groups == group]
        highest = splits[members].max()
        stay = members[splits[members] == highest]
        kept[members] = -1
        kept[stay if highest == test else stay[:1]] = highest
    return kept


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of each pair's pixels; for two images of a single colour, 1 if it is equal."""
    a = one.reshape(len(one), -1).astype(np.float32)
    b = other.reshape(len(other), -1).astype(np.float32)
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    a -= mean_a[:, None]
    b -= mean_b[:, None]
    square_a, square_b = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    correlation = np.einsum("ij,ij->i", a, b) / np.sqrt(np.maximum(square_a * square_b, 1e-6))
    flat_a, flat_b = square_a < a.shape[1], square_b < b.shape[1]  # a variance below 1
    same = flat_a & flat_b & (np.abs(mean_a - mean_b) < 1)
    alike: np.ndarray = np.where(flat_a | flat_b, same.astype(np.float32), correlation)
    return alike


@cache
def _cosines(size: int) -> np.ndarray:
    """The cosines of frequencies 1 to 8 over `size` pixels: float32 (8, size)."""
    frequency = np.arange(1, SIDE + 1)[:, None]
    place = (np.arange(size)[None, :] + 0.5) / size
    return np.cos(np.pi * frequency * place).astype(np.float32)
