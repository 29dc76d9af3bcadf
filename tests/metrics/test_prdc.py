"""Neighbours and balls against brute force, and against what they should say."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganflow.base.errors import DataError
from ganflow.features.neighbours import nearest, radii
from ganflow.metrics.prdc import prdc


def by_definition(generated: np.ndarray, real: np.ndarray, k: int) -> dict[str, float]:
    between = cdist(generated, real)
    real_radii = np.sort(cdist(real, real), axis=1)[:, k]
    generated_radii = np.sort(cdist(generated, generated), axis=1)[:, k]
    inside = between < real_radii
    return {
        "precision": float(inside.any(axis=1).mean()),
        "recall": float((between < generated_radii[:, None]).any(axis=0).mean()),
        "density": float(inside.sum() / (k * len(generated))),
        "coverage": float((between.min(axis=0) < real_radii).mean()),
    }


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("n", "m", "d", "k"), [(300, 200, 5, 5), (100, 400, 12, 3)])
def test_all_four_are_their_definitions(n: int, m: int, d: int, k: int, threads: int) -> None:
    numbers = np.random.default_rng(n)
    generated, real = numbers.normal(0.5, 1.2, size=(n, d)), numbers.normal(size=(m, d))
    assert prdc(generated, real, k, threads).all_four() == pytest.approx(
        by_definition(generated, real, k), abs=1e-12
    )


def test_what_float32_cannot_tell_apart_is_decided_by_the_rows() -> None:
    """Balls that touch: distances that differ in their tenth digit, on both sides of a radius."""
    numbers = np.random.default_rng(9)
    real = np.vstack([np.eye(6), -np.eye(6), numbers.normal(size=(60, 6)) + 50])
    edge = np.sqrt(2 * np.arange(1, 5).repeat(4))
    tips = (
        np.eye(6)[numbers.integers(6, size=16)] * (1 + 1e-10 * numbers.integers(-9, 9, 16))[:, None]
    )
    generated = np.vstack([tips, tips * edge[:, None], -tips, numbers.normal(size=(40, 6)) + 50])
    assert prdc(generated, real, 3).all_four() == pytest.approx(
        by_definition(generated, real, 3), abs=1e-12
    )
    distances = np.sort(cdist(generated, generated, "sqeuclidean"), axis=1)
    np.testing.assert_allclose(radii(generated, 3), distances[:, 3], rtol=1e-12)


def test_the_number_of_threads_changes_no_bit() -> None:
    numbers = np.random.default_rng(3)
    x, y = numbers.normal(size=(3000, 9)), numbers.normal(size=(3000, 9))
    assert radii(x, 5, 1).tobytes() == radii(x, 5, 2).tobytes()
    assert nearest(x, y, 1)[1].tobytes() == nearest(x, y, 2)[1].tobytes()


def test_far_from_the_origin_distances_keep_their_digits() -> None:
    numbers = np.random.default_rng(4)
    x = numbers.normal(size=(200, 5))
    np.testing.assert_allclose(radii(x + 1e4, 5), radii(x, 5), rtol=1e-7)


def test_equal_distributions_score_near_one_and_strangers_zero() -> None:
    numbers = np.random.default_rng(5)
    real, other = numbers.normal(size=(2, 1500, 6))
    alike = prdc(other, real)
    assert min(alike.precision, alike.recall, alike.coverage) > 0.9
    assert alike.density == pytest.approx(1, abs=0.1)
    far = prdc(other + 100, real)
    assert far.all_four() == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_a_dropped_mode_is_missed_by_recall_and_coverage_alone() -> None:
    numbers = np.random.default_rng(6)
    centres = 20 * np.eye(4)
    real = centres[numbers.integers(4, size=1200)] + numbers.normal(size=(1200, 4))
    ours = centres[numbers.integers(3, size=1200)] + numbers.normal(size=(1200, 4))
    found = prdc(ours, real)
    assert found.precision > 0.9
    assert found.recall == pytest.approx(0.75, abs=0.06)
    assert found.coverage == pytest.approx(0.75, abs=0.06)


def test_a_single_image_over_and_over_covers_next_to_nothing() -> None:
    real = np.random.default_rng(7).normal(size=(500, 6))
    found = prdc(np.repeat(real[:1], 500, axis=0), real)
    assert found.precision == 1.0
    assert found.coverage < 0.1
    assert found.recall == 0.0  # balls of radius 0 hold nothing


def test_too_few_images_are_refused() -> None:
    rows = np.zeros((5, 3))
    with pytest.raises(DataError, match="5 images"):
        prdc(rows, np.zeros((50, 3)))


def test_memory_holds_blocks_and_never_all_distances() -> None:
    rows = np.random.default_rng(8).normal(size=(6000, 8))
    tracemalloc.start()
    prdc(rows, rows[::-1].copy())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * 6000 * 6000 * 8
