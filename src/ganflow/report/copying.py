"""Is it copying? Each sample beside the training images that are most like it."""

from dataclasses import dataclass

import numpy as np

BLOCK = 8192
MOST_VALUES = 1024
"""Images of more values are compared as thumbnails, and the exact distance taken of the few."""


@dataclass(frozen=True)
class PixelNeighbours:
    """Nearest training images of each query.

    indices: int64 (Q, k), nearest first.
    distances: float64 (Q, k), root mean square difference of the values, 0 to 255.
    """

    indices: np.ndarray
    distances: np.ndarray


def nearest(queries: np.ndarray, training: np.ndarray, count: int) -> PixelNeighbours:
    """Find the `count` training images nearest to each query, by their pixels.

    Args:
        queries: uint8 (Q, H, W, C).
        training: uint8 (N, H, W, C), which may be a memory map.
        count: at most N.
    """
    factor = _shrink_factor(queries.shape[1:])
    wanted = _flat(queries, factor)
    kept = min(len(training), count + 8)
    best = np.full((len(queries), 0), 0.0, np.float32)
    places = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(training), BLOCK):
        block = _flat(training[start : start + BLOCK], factor)
        # |q − t|² without |q|², which does not change the order.
        scores = (block * block).sum(1) - 2 * wanted @ block.T
        best = np.concatenate([best, scores], axis=1)
        found = np.broadcast_to(np.arange(start, start + len(block)), scores.shape)
        places = np.concatenate([places, found], axis=1)
        if best.shape[1] > kept:
            order = np.argpartition(best, kept - 1, axis=1)[:, :kept]
            best = np.take_along_axis(best, order, 1)
            places = np.take_along_axis(places, order, 1)
    return _exactly(queries, training, places, count)


def _exactly(
    queries: np.ndarray, training: np.ndarray, places: np.ndarray, count: int
) -> PixelNeighbours:
    """Order the shortlist by whole-number distances, so that rounding decides nothing."""
    places = np.sort(places, axis=1)
    squares = np.empty(places.shape, np.int64)
    for row, query in enumerate(queries):
        difference = training[places[row]].astype(np.int64) - query.astype(np.int64)
        squares[row] = (difference**2).reshape(len(difference), -1).sum(1)
    order = np.argsort(squares, axis=1, kind="stable")[:, :count]
    distances = np.sqrt(np.take_along_axis(squares, order, 1) / queries[0].size)
    return PixelNeighbours(np.take_along_axis(places, order, 1), distances)


def _shrink_factor(shape: tuple[int, ...]) -> int:
    height, width, channels = shape
    factors = (f for f in range(1, max(height, width) + 1) if height % f == 0 and width % f == 0)
    fits = (f for f in factors if height * width * channels // f**2 <= MOST_VALUES)
    return next(fits, 1)


def _flat(images: np.ndarray, factor: int) -> np.ndarray:
    values = np.asarray(images, np.float32) / 255
    if factor > 1:
        n, h, w, c = values.shape
        values = values.reshape(n, h // factor, factor, w // factor, factor, c).mean((2, 4))
    return values.reshape(len(values), -1)
