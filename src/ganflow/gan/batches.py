"""The order in which a training sees its images."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class Batches:
    """Rows of a split in a new random order every time round, read ahead by one block.

    Args:
        images: uint8 (N, H, W, C), usually mapped from a file; only what is due is read.
        labels: int64 (N,), or None.
        seed: of the orders; with it, the position alone says what comes next.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray | None, seed: int) -> None:
        self.images, self.seed = images, seed
        self.labels = np.zeros(len(images), np.int64) if labels is None else np.asarray(labels)

    def rows(self, start: int, count: int) -> np.ndarray:
        """Which rows are seen from the `start`-th image on, int64 (count,)."""
        size = len(self.images)
        rounds = range(start // size, (start + count - 1) // size + 1)
        orders = [np.random.default_rng([self.seed, r]).permutation(size) for r in rounds]
        first = start - rounds.start * size
        return np.concatenate(orders)[first : first + count]

    def blocks(self, start: int, sizes: list[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Images and labels in blocks of these sizes, from the `start`-th image on."""
        starts = start + np.cumsum([0, *sizes])

        def read(index: int) -> tuple[np.ndarray, np.ndarray]:
            rows = self.rows(int(starts[index]), sizes[index])
            return self.images[rows], self.labels[rows]

        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(read, 0) if sizes else None
            for index in range(len(sizes)):
                assert ahead is not None
                block = ahead.result()
                ahead = reader.submit(read, index + 1) if index + 1 < len(sizes) else None
                yield block
