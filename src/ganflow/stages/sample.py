"""The `sample` stage: images from the finished generator, and a grid of them."""

import numpy as np

from ganflow.base.files import whole_folder, write_array
from ganflow.base.images import image_grid, write_png
from ganflow.base.paths import MODEL, SAMPLES
from ganflow.base.runtime import RuntimeParams, configure
from ganflow.config.sample import SampleParams
from ganflow.gan.sampling import sample as sample_images
from ganflow.gan.saved import SavedGenerator, load_generator

ROWS, COLUMNS = 8, 10


def run(seed: int, runtime: RuntimeParams, sample: SampleParams) -> None:
    configure(runtime)
    generator = load_generator(MODEL)
    images, labels = sample_images(generator, sample.images, seed, sample.truncation)
    with whole_folder(SAMPLES) as folder:
        write_array(folder / "images.npy", images)
        if labels is not None:
            write_array(folder / "labels.npy", labels)
        write_png(
            folder / "grid.png", image_grid(*grid_of(generator, seed, sample.truncation), scale=2)
        )


def grid_of(generator: SavedGenerator, seed: int, truncation: float) -> tuple[np.ndarray, int]:
    """Images for a grid and its number of columns: a class a column, where there are classes."""
    columns = min(generator.classes, COLUMNS) or COLUMNS
    rng = np.random.default_rng([seed, 2])
    latents = rng.standard_normal((ROWS * columns, generator.latent), np.float32)
    labels = np.tile(np.arange(columns), ROWS) if generator.classes else None
    return generator.images(latents * np.float32(truncation), labels), columns
