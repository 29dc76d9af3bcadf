"""How a generator varies: walks through its latent space, one latent in every class."""

from typing import Protocol

import numpy as np


class ImageGenerator(Protocol):
    """What `ganflow.gan.saved.load_generator` gives."""

    @property
    def latent(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def classes(self) -> int: ...
    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray: ...


def slerp(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Walk along the great circle between two latents, their lengths changing evenly.

    The straight line would pass through vectors far shorter than any that N(0, I) gives
    (Shoemake 1985; White 2016).

    Args:
        start, end: float (latent,).
        share: float (steps,), 0 at the start and 1 at the end.

    Returns:
        float32 (steps, latent).
    """
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    share = np.asarray(share, np.float64)[:, None]
    length = (1 - share) * lengths[0] + share * lengths[1]
    if min(lengths) == 0:
        return np.asarray((1 - share) * start + share * end, np.float32)
    a, b = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip(a @ b, -1, 1))
    if np.sin(angle) < 1e-6:
        direction = (1 - share) * a + share * b
    else:
        direction = np.sin((1 - share) * angle) * a + np.sin(share * angle) * b
        direction /= np.sin(angle)
    return np.asarray(direction * length, np.float32)


def loop(corners: np.ndarray, steps: int) -> np.ndarray:
    """A closed walk through corners (N, latent): float32 (N·steps, latent), ends meeting."""
    share = np.arange(steps) / steps
    following = np.roll(corners, -1, axis=0)
    return np.concatenate([slerp(a, b, share) for a, b in zip(corners, following, strict=True)])


def walks(
    generator: ImageGenerator, classes: np.ndarray | None, rows: int, steps: int, draw: np.ndarray
) -> np.ndarray:
    """One walk a row, each between two latents of `draw` (2·rows, latent) in one class.

    Returns:
        uint8 (rows·steps, H, W, C).
    """
    share = np.linspace(0, 1, steps)
    latents = np.concatenate([slerp(draw[2 * r], draw[2 * r + 1], share) for r in range(rows)])
    labels = None if classes is None else np.resize(classes, rows).repeat(steps)
    return generator.images(latents, labels)


def across_classes(
    generator: ImageGenerator, classes: np.ndarray, latents: np.ndarray
) -> np.ndarray:
    """Each latent (N, latent) in each class (K,): uint8 (N·K, H, W, C), classes running fastest."""
    labels = np.tile(classes, len(latents))
    return generator.images(latents.repeat(len(classes), axis=0), labels)
