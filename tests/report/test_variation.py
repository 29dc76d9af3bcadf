"""Walks stay where latents live, and every image stands where the page says it does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.report.variation import across_classes, loop, slerp, walks


class Recorder:
    """A generator whose images show their latent and their label."""

    latent = 5
    classes = 3

    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        assert latents.dtype == np.float32
        shown = np.zeros((len(latents), 1, 6, 1), np.uint8)
        shown[:, 0, :5, 0] = np.round(latents)
        shown[:, 0, 5, 0] = 99 if labels is None else labels
        return shown


@given(st.integers(0, 10_000), st.integers(2, 200))
@settings(max_examples=50, deadline=None)
def test_a_walk_starts_and_ends_where_it_should_and_keeps_its_length(seed: int, size: int) -> None:
    start, end = np.random.default_rng(seed).standard_normal((2, size))
    path = slerp(start, end, np.linspace(0, 1, 9))
    assert path[0] == pytest.approx(start, abs=1e-5)
    assert path[-1] == pytest.approx(end, abs=1e-5)
    lengths = np.linalg.norm(path, axis=1)
    expected = np.linspace(np.linalg.norm(start), np.linalg.norm(end), 9)
    assert lengths == pytest.approx(expected, rel=1e-4)


def test_the_middle_of_a_right_angle_is_the_diagonal() -> None:
    middle = slerp(np.array([2.0, 0]), np.array([0, 2.0]), np.array([0.5]))[0]
    assert middle == pytest.approx([2**0.5, 2**0.5], rel=1e-6)


@pytest.mark.parametrize("end", [[3.0, 0.0], [0.0, 0.0]], ids=["same direction", "zero"])
def test_there_is_no_division_by_zero(end: list[float]) -> None:
    path = slerp(np.array([1.0, 0]), np.array(end), np.array([0, 0.5, 1]))
    assert path[:, 0] == pytest.approx(np.linspace(1, end[0], 3))
    assert path[:, 1] == pytest.approx([0, 0, 0])


def test_a_loop_passes_its_corners_and_closes() -> None:
    corners = np.random.default_rng(0).standard_normal((4, 6))
    path = loop(corners, 5)
    assert path.shape == (20, 6)
    assert path[::5] == pytest.approx(corners, abs=1e-6)
    steps = np.linalg.norm(np.diff(np.concatenate([path, path[:1]]), axis=0), axis=1)
    assert steps.max() < 2 * np.linalg.norm(corners - np.roll(corners, -1, 0), axis=1).max() / 5


def test_a_row_of_walks_has_one_class_and_goes_from_latent_to_latent() -> None:
    draw = np.arange(20, dtype=np.float32).reshape(4, 5) + 10
    shown = walks(Recorder(), np.array([2, 0]), 2, 3, draw).reshape(2, 3, 6)
    assert shown[:, :, 5].tolist() == [[2, 2, 2], [0, 0, 0]]
    assert shown[1, 0, :5].tolist() == draw[2].tolist()
    assert shown[1, 2, :5].tolist() == draw[3].tolist()


def test_across_classes_keeps_the_latent_along_a_row() -> None:
    latents = np.arange(10, dtype=np.float32).reshape(2, 5)
    shown = across_classes(Recorder(), np.array([0, 1, 2]), latents).reshape(2, 3, 6)
    assert shown[:, :, 5].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert (shown[1, :, :5] == latents[1]).all()
