"""Distances and nearest rows agree with an independent library."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from ganflow.features.neighbours import nearest, nearest_few, radii


def test_radii_and_nearest_agree_with_scikit_learn() -> None:
    numbers = np.random.default_rng(1)
    x, y = numbers.normal(size=(700, 16)), numbers.normal(size=(900, 16))
    there = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(y)
    np.testing.assert_allclose(np.sqrt(radii(y, 5)), there.kneighbors(y)[0][:, 5], rtol=1e-9)
    distances, found = there.kneighbors(x)
    positions, gaps = nearest(x, y)
    np.testing.assert_array_equal(positions, found[:, 0])
    np.testing.assert_allclose(gaps, distances[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(nearest_few(x[:20], y, 4), found[:20, :4])


def test_a_row_is_not_its_own_neighbour() -> None:
    rows = np.random.default_rng(2).normal(size=(50, 4))
    some = np.array([7, 3, 49])
    found, gaps = nearest(rows[some], rows, own=some)
    distances = cdist(rows, rows) + np.diag(np.full(50, np.inf))
    np.testing.assert_array_equal(found, distances.argmin(axis=1)[some])
    np.testing.assert_allclose(gaps, distances.min(axis=1)[some], rtol=1e-12)
