"""Images of a finished generator, from a seed."""

import numpy as np

from ganflow.base.progress import progress
from ganflow.gan.saved import SavedGenerator

BLOCK = 2_500


def sample(
    generator: SavedGenerator,
    count: int,
    seed: int,
    truncation: float,
    labels: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Make images.

    Args:
        truncation: latents are drawn from N(0, truncation²·I).
        labels: int64 (count,), class indices; None draws them with the data's shares.

    Returns:
        Images, uint8 (count, H, W, C), and their labels; None if the model is unconditional.
    """
    rng = np.random.default_rng([seed, 1])
    shares = generator.card["class_shares"]
    if labels is None and shares:
        labels = drawn_labels(shares, count, rng)
    latents = rng.standard_normal((count, generator.latent), np.float32)
    latents *= np.float32(truncation)
    images = np.empty((count, *generator.shape), np.uint8)
    with progress("sample", count) as shown:
        for start in range(0, count, BLOCK):
            rows = slice(start, start + BLOCK)
            images[rows] = generator.images(latents[rows], None if labels is None else labels[rows])
            shown.advance(len(images[rows]))
    return images, labels


def drawn_labels(shares: list[float], count: int, rng: np.random.Generator) -> np.ndarray:
    """Class indices, int64 (count,), with the data's shares and in random order.

    The counts are the shares', rounded; only the order is drawn, so that every prefix is a
    random mixture and the whole has no luck in it.
    """
    exact = np.asarray(shares) * count
    counts = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(counts - exact, kind="stable")
    counts[by_remainder[: count - counts.sum()]] += 1
    return rng.permutation(np.repeat(np.arange(len(shares)), counts))
