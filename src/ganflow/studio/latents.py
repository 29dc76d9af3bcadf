"""Where in the latent space a request points to, and along what an image changes most."""

import numpy as np
from scipy.linalg import eigh

from ganflow.report.variation import slerp
from ganflow.studio.batching import Forward

DIRECTIONS = 8
PROBES = 2000
FEWEST_OF_A_CLASS = 20
"""Images that the mean of a class is taken of; of many classes, the first ones are enough."""

THUMBNAIL = 32


def drawn(seed: int, row: int, size: int) -> np.ndarray:
    """The latent of sample `row` of `seed`: float32 (size,), the same whatever was asked for."""
    return np.asarray(draws(seed, row + 1, size)[row])


def draws(seed: int, count: int, size: int) -> np.ndarray:
    """The first `count` latents of `seed`: float32 (count, size) from N(0, I)."""
    return np.random.default_rng(seed).standard_normal((count, size), dtype=np.float32)


def on_plane(corners: np.ndarray, across: float, down: float) -> np.ndarray:
    """The point of a curved plane through four latents.

    Args:
        corners: float32 (4, latent): top left, top right, bottom left, bottom right.
        across, down: 0 to 1.

    Returns:
        float32 (latent,): along great circles, so that it stays as long as latents are.
    """
    share = np.array([across])
    top = slerp(corners[0], corners[1], share)[0]
    bottom = slerp(corners[2], corners[3], share)[0]
    return np.asarray(slerp(top, bottom, np.array([down]))[0])


def principal_directions(
    forward: Forward, size: int, classes: int, count: int = DIRECTIONS
) -> np.ndarray:
    """Unit latents along which the images change most, strongest first.

    The principal components of images around their class's mean, taken back to the latent
    space by linear regression (Härkönen et al. 2020, who use early features in place of
    images). A sign is chosen so that images grow brighter.

    Args:
        forward: makes the images.
        size: of a latent.
        classes: how many the generator has; 0 if it is unconditional.
        count: how many directions; at most `size` are found.

    Returns:
        float32 (count, size), with unit rows.
    """
    count = min(count, size)
    latents = draws(0, PROBES, size)
    kinds = min(classes, PROBES // FEWEST_OF_A_CLASS)
    groups = np.arange(PROBES) % max(kinds, 1)
    images = forward(latents, groups if kinds else None)
    step = max(1, -(-max(images.shape[1:3]) // THUMBNAIL))
    pixels = images[:, ::step, ::step].reshape(PROBES, -1).astype(np.float64)
    for group in np.unique(groups):
        pixels[groups == group] -= pixels[groups == group].mean(0)
    # Left singular vectors from the smaller of the two products: an image has many more pixels
    # than there are directions to find.
    _, vectors = eigh(pixels @ pixels.T, subset_by_index=(PROBES - count, PROBES - 1))
    coordinates = vectors[:, ::-1]
    brightness = np.sign(pixels.sum(1) @ coordinates)
    back = (latents.T.astype(np.float64) @ coordinates) * np.where(brightness == 0, 1, brightness)
    lengths = np.linalg.norm(back, axis=0)
    return np.asarray((back / np.where(lengths == 0, 1, lengths)).T, np.float32)
