"""Nearest training images, against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.metrics import copies
from ganflow.metrics.copies import nearest_by_pixels


def brute_force(queries: np.ndarray, training: np.ndarray, count: int) -> np.ndarray:
    gaps = queries[:, None].astype(float) - training[None].astype(float)
    distances = np.sqrt((gaps**2).mean(axis=(2, 3, 4)))
    return np.sort(distances, axis=1)[:, :count]


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(6, 60))
@settings(max_examples=30, deadline=None)
def test_it_finds_what_brute_force_finds(seed: int, channels: int, size: int) -> None:
    random = np.random.default_rng(seed)
    queries = random.integers(0, 256, (4, 5, 6, channels), dtype=np.uint8)
    training = random.integers(0, 256, (size, 5, 6, channels), dtype=np.uint8)
    found = nearest_by_pixels(queries, training, 3)
    assert found.distances == pytest.approx(brute_force(queries, training, 3), rel=1e-12)
    for query, row, distances in zip(queries, found.indices, found.distances, strict=True):
        again = brute_force(query[None], training[row], 3)[0]
        assert again == pytest.approx(distances, rel=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    queries = random.integers(0, 256, (3, 4, 4, 1), dtype=np.uint8)
    training = random.integers(0, 256, (100, 4, 4, 1), dtype=np.uint8)
    whole = nearest_by_pixels(queries, training, 5)
    monkeypatch.setattr(copies, "BLOCK", 7)
    split = nearest_by_pixels(queries, training, 5)
    assert (whole.indices == split.indices).all()
    assert (whole.distances == split.distances).all()


def test_an_exact_copy_is_at_distance_zero_even_among_look_alikes() -> None:
    training = np.full((300, 8, 8, 1), 200, np.uint8)
    training[:, 0, 0, 0] = np.arange(300) % 256
    found = nearest_by_pixels(training[[17, 250]], training, 1)
    assert found.indices[:, 0].tolist() == [17, 250]
    assert found.distances[:, 0].tolist() == [0, 0]


def test_ties_go_to_the_earlier_image() -> None:
    training = np.zeros((50, 4, 4, 1), np.uint8)
    assert nearest_by_pixels(training[:1], training[:6], 3).indices.tolist() == [[0, 1, 2]]


def test_large_images_are_found_through_thumbnails() -> None:
    random = np.random.default_rng(1)
    coarse = random.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    training = coarse.repeat(8, 1).repeat(8, 2)
    noisy = np.clip(training[[31]].astype(int) + random.integers(-9, 10, (1, 64, 64, 3)), 0, 255)
    found = nearest_by_pixels(noisy.astype(np.uint8), training, 2)
    assert found.indices[0, 0] == 31
    expected = brute_force(noisy.astype(np.uint8), training, 2)
    assert found.distances == pytest.approx(expected, rel=1e-12)
