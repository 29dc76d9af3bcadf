"""Principal components and k-means centres, against NumPy and on clusters that are apart."""

import numpy as np
import pytest

from ganflow.features.clusters import SAMPLE, centres, components


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5)) * np.array([5.0, 3.0, 2.0, 1.0, 0.5]) + 7.0
    mean, axes = components(rows, 3)
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-12)
    _, _, expected = np.linalg.svd(rows - rows.mean(axis=0))
    assert axes.shape == (5, 3)
    np.testing.assert_allclose(np.abs(axes.T @ expected[:3].T), np.eye(3), atol=1e-8)
    assert components(rows, 9)[1].shape == (5, 5)


@pytest.mark.parametrize("count", [90, SAMPLE + 500])
def test_centres_are_the_means_of_clusters_that_are_apart(count: int) -> None:
    rng = np.random.default_rng(1)
    places = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    rows = places[np.arange(count) % 3] + rng.normal(size=(count, 2))
    found = centres(rows, 3)
    nearest = np.linalg.norm(found[:, None] - places, axis=2).argmin(axis=1)
    assert sorted(nearest) == [0, 1, 2]
    np.testing.assert_allclose(found, places[nearest], atol=0.6)
    np.testing.assert_array_equal(found, centres(rows, 3))


def test_there_are_no_more_centres_than_rows() -> None:
    assert centres(np.eye(2), 5).shape == (2, 2)
