"""Points land where the request says, and principal directions are those of the images."""

import numpy as np
import pytest

from ganflow.studio.latents import drawn, draws, on_plane, principal_directions


def test_a_row_does_not_depend_on_how_many_are_drawn() -> None:
    sheet = draws(7, 20, 16)
    assert sheet.dtype == np.float32
    for row in (0, 3, 19):
        assert (drawn(7, row, 16) == sheet[row]).all()
    assert (drawn(7, 0, 16) != drawn(8, 0, 16)).all()


def test_the_plane_passes_its_four_corners() -> None:
    corners = draws(0, 4, 10)
    for index, (across, down) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        assert on_plane(corners, across, down) == pytest.approx(corners[index], abs=1e-5)


def test_four_equal_corners_are_one_point() -> None:
    corners = draws(0, 1, 10).repeat(4, 0)
    assert on_plane(corners, 0.3, 0.8) == pytest.approx(corners[0], abs=1e-5)


class Linear:
    """Images that are a known linear map of the latent, plus a shade for each class."""

    latent, classes, shape = 6, 3, (4, 4, 1)

    def __init__(self) -> None:
        axes = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
        self.axes = axes.T
        screens = np.linalg.qr(np.random.default_rng(1).standard_normal((16, 6)))[0]
        self.matrix = axes * np.array([40, 25, 12, 0.1, 0.1, 0.1]) @ screens.T

    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        assert labels is not None
        values = 128 + latents @ self.matrix / 2 + 30 * (labels[:, None] - 1)
        return np.clip(np.round(values), 0, 255).reshape(-1, 4, 4, 1).astype(np.uint8)


def directions(generator: Linear, count: int) -> np.ndarray:
    return principal_directions(generator.images, generator.latent, generator.classes, count)


def test_directions_of_a_linear_generator_are_its_singular_vectors() -> None:
    generator = Linear()
    found = directions(generator, 3)
    assert found.shape == (3, 6)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    alignment = np.abs(np.sum(found * generator.axes[:3], axis=1))
    assert (alignment > 0.98).all()


def test_along_a_direction_images_grow_brighter() -> None:
    generator = Linear()
    for direction in directions(generator, 3):
        ends = np.stack([-direction, direction]).astype(np.float32)
        dark, bright = generator.images(ends, np.array([1, 1])).astype(float).sum((1, 2, 3))
        assert bright > dark


def test_there_are_no_more_directions_than_latents() -> None:
    assert directions(Linear(), 50).shape == (6, 6)


def test_of_a_thousand_classes_there_are_directions_too() -> None:
    """With two probes of each, their means would leave nothing of the images."""

    class Many(Linear):
        classes = 1000

        def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
            assert labels is not None
            return super().images(latents, labels % 3)

    found = directions(Many(), 3)
    alignment = np.abs(np.sum(found * Many().axes[:3], axis=1))
    assert (alignment > 0.98).all()
