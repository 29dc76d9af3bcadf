"""The `sample` stage: images from the finished generator, and a grid of them."""

import numpy as np

from ganflow.base.files import whole_folder, write_array
from ganflow.base.images import image_grid, write_png
from ganflow.base.paths import MODEL, SAMPLES
from ganflow.base.progress import progress
from ganflow.base.runtime import RuntimeParams, configure
from ganflow.config.sample import SampleParams
from ganflow.gan.saved import SavedGenerator, load_generator

ROWS, COLUMNS = 8, 10
BLOCK = 2_500


def run(seed: int, runtime: RuntimeParams, sample: SampleParams) -> None:
    configure(runtime)
    generator = load_generator(MODEL)
    rng = np.random.default_rng([seed, 1])
    shares = generator.card["class_shares"]
    labels = drawn_labels(shares, sample.images, rng) if shares else None
    latents = rng.standard_normal((sample.images, generator.latent), np.float32)
    latents *= np.float32(sample.truncation)
    images = np.empty((sample.images, *generator.shape), np.uint8)
    with progress("sample", sample.images) as shown:
        for start in range(0, sample.images, BLOCK):
            rows = slice(start, start + BLOCK)
            images[rows] = generator.images(latents[rows], None if labels is None else labels[rows])
            shown.advance(len(images[rows]))
    with whole_folder(SAMPLES) as folder:
        write_array(folder / "images.npy", images)
        if labels is not None:
            write_array(folder / "labels.npy", labels)
        write_png(
            folder / "grid.png", image_grid(*grid_of(generator, seed, sample.truncation), scale=2)
        )


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


def grid_of(generator: SavedGenerator, seed: int, truncation: float) -> tuple[np.ndarray, int]:
    """Images for a grid and its number of columns: a class a column, where there are classes."""
    columns = min(generator.classes, COLUMNS) or COLUMNS
    rng = np.random.default_rng([seed, 2])
    latents = rng.standard_normal((ROWS * columns, generator.latent), np.float32)
    labels = np.tile(np.arange(columns), ROWS) if generator.classes else None
    return generator.images(latents * np.float32(truncation), labels), columns
