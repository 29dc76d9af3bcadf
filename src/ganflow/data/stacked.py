"""Stacked MNIST: three random grey images as the colour channels of one (Metz et al., 2017).

Ten digits give 1,000 modes of known and equal weight, on which mode coverage is measured
(Srivastava et al., 2017; Lin et al., 2018).
"""

import numpy as np

CHANNELS = 3
MAX_CLASSES = 10_000


def draw(images: int, stacks: int, split: int) -> np.ndarray:
    """Which images stand in which stack: int64 (stacks, 3), independent and even.

    The draw does not depend on the training's seed, so that the data stay the same.
    """
    rng = np.random.Generator(np.random.PCG64([0x57AC4ED, split]))
    return rng.integers(0, images, (stacks, CHANNELS))


def stack(images: np.ndarray) -> np.ndarray:
    """uint8 (n, 3, h, w, 1), three images each, to uint8 (n, h, w, 3)."""
    return np.ascontiguousarray(np.moveaxis(images[..., 0], 1, 3))


def stack_labels(labels: np.ndarray, classes: int) -> np.ndarray:
    """int64 (n, 3) class indices to int64 (n,): the first is the most significant."""
    weights = classes ** np.arange(CHANNELS - 1, -1, -1, dtype=np.int64)
    return labels.astype(np.int64) @ weights


def stack_names(classes: list[str]) -> list[str]:
    """The names of all triples in the order of their indices: `3·0·7`."""
    return [f"{r}·{g}·{b}" for r in classes for g in classes for b in classes]
