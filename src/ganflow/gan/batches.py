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
        mirror: whether half of the images, others every time round, are mirrored.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray | None, seed: int, mirror: bool = False
    ) -> None:
        self.images, self.seed, self.mirror = images, seed, mirror
        self.labels = np.zeros(len(images), np.int64) if labels is None else np.asarray(labels)

    def rows(self, start: int, count: int) -> np.ndarray:
        """Which rows are seen from the `start`-th image on, int64 (count,)."""
        orders = (rng.permutation(len(self.images)) for rng in self._rounds(start, count))
        return self._part(orders, start, count)

    def mirrored(self, start: int, count: int) -> np.ndarray:
        """Which of these images are mirrored, bool (count,)."""
        flags = (rng.random(len(self.images)) < 0.5 for rng in self._rounds(start, count, 1))
        return self._part(flags, start, count) & self.mirror

    def blocks(self, start: int, sizes: list[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Images and labels in blocks of these sizes, from the `start`-th image on."""
        starts = start + np.cumsum([0, *sizes])

        def read(index: int) -> tuple[np.ndarray, np.ndarray]:
            place = int(starts[index]), sizes[index]
            rows, flags = self.rows(*place), self.mirrored(*place)
            images = self.images[rows]
            images[flags] = images[flags, :, ::-1]
            return images, self.labels[rows]

        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(read, 0) if sizes else None
            for index in range(len(sizes)):
                assert ahead is not None
                block = ahead.result()
                ahead = reader.submit(read, index + 1) if index + 1 < len(sizes) else None
                yield block

    def _rounds(self, start: int, count: int, *stream: int) -> Iterator[np.random.Generator]:
        """A generator for each time round in which these images are seen."""
        size = len(self.images)
        for number in range(start // size, (start + count - 1) // size + 1):
            yield np.random.default_rng([self.seed, number, *stream])

    def _part(self, rounds: Iterator[np.ndarray], start: int, count: int) -> np.ndarray:
        """What is drawn for these images, out of the rounds they are in."""
        first = start % len(self.images)
        return np.concatenate(list(rounds))[first : first + count]
