"""Batches of one size: what a network makes of a row then depends on none of the others."""

from collections.abc import Iterator

import numpy as np


def padded_batches(size: int, *arrays: np.ndarray) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Equally long arrays, `size` rows at a time; the last batch is filled up with zeros.

    Yields:
        The rows, and a batch (size, ...) of each array that begins with them.
    """
    count = len(arrays[0])
    for start in range(0, count, size):
        rows = slice(start, min(start + size, count))
        filling = [np.zeros((start + size - rows.stop, *a.shape[1:]), a.dtype) for a in arrays]
        yield rows, [np.concatenate([a[rows], z]) for a, z in zip(arrays, filling, strict=True)]
