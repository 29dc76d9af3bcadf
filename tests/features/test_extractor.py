"""How images without labels are turned and grouped."""

import tracemalloc

import numpy as np
import pytest

from ganflow.features.extractor import _thumbnails, clusters, turned


@pytest.mark.timeout(120)
def test_large_images_without_labels_take_neither_hours_nor_gigabytes() -> None:
    """The principal axes of the pixels themselves would: a matrix of 12,288 rows and columns."""
    numbers = np.random.default_rng(0)
    coarse = numbers.integers(0, 256, (4, 16, 16, 3)).repeat(4, 1).repeat(4, 2)
    images = coarse[np.arange(200) % 4] + numbers.integers(-9, 10, (200, 64, 64, 3))
    tracemalloc.start()
    cells = clusters(images.clip(0, 255).astype(np.uint8))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    together = {(kind, int(cell)) for kind, cell in zip(np.arange(200) % 4, cells, strict=True)}
    assert len({kind for kind, _ in together}) == 4
    assert len({cell for _, cell in together}) == len(together), "no cell holds two kinds"


def test_thumbnails_are_means_of_blocks() -> None:
    small = np.random.default_rng(1).integers(0, 256, (5, 14, 18, 3), np.uint8)
    large = small.repeat(3, axis=1).repeat(3, axis=2)
    assert _thumbnails(large) == pytest.approx(small.reshape(5, -1) / 255, abs=1e-6)
    grey = np.random.default_rng(2).integers(0, 256, (5, 28, 28, 1), np.uint8)
    assert _thumbnails(grey) == pytest.approx(grey.reshape(5, -1) / 255, abs=1e-6)


@pytest.mark.parametrize("shape", [(6, 6, 3), (4, 8, 1)])
def test_positions_are_turns_or_mirrorings(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, *shape), np.uint8)
    wanted = np.arange(8) % 4
    seen = turned(images, wanted).numpy()
    for image, position, shown in zip(images, wanted, seen, strict=True):
        if shape[0] == shape[1]:
            expected = np.rot90(image, position)
        else:
            expected = image[:: -1 if position & 2 else 1, :: -1 if position & 1 else 1]
        assert (shown == expected).all()
