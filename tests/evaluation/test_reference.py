"""The same numbers as torch-fidelity and prdc from the same features.

Run by `make test-reference`, after `make bench-setup` has installed the two.
"""

from typing import Any

import numpy as np
import pytest

from ganflow.evaluation.classes import class_score
from ganflow.evaluation.frechet import frechet_distance
from ganflow.evaluation.kernel import squared_mmd
from ganflow.evaluation.prdc import prdc

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def features() -> tuple[np.ndarray, np.ndarray]:
    """Like an extractor's: correlated, never negative, some dead; float32 (2000, 64)."""
    numbers = np.random.default_rng(0)
    mixing = numbers.normal(size=(24, 64))
    mixing[:, 60:] = 0
    generated, real = (
        np.maximum(numbers.normal(shift, 1, size=(2000, 24)) @ mixing, 0).astype(np.float32)
        for shift in (0.05, 0.0)
    )
    return generated, real


def torch_of(rows: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows))


def test_frechet_distance_to_a_millionth(features: tuple[np.ndarray, np.ndarray]) -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    alive = [rows[:, :60].astype(np.float64) for rows in features]
    statistics = [fid_features_to_statistics(torch_of(rows)) for rows in alive]
    there = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(*alive) == pytest.approx(there, rel=1e-6)
    assert frechet_distance(*features) == pytest.approx(there, rel=1e-6)


def test_kernel_distance_to_a_millionth(features: tuple[np.ndarray, np.ndarray]) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    there = kid_features_to_metric(  # one subset that holds every row: no luck of the draw
        *(torch_of(rows.astype(np.float64)) for rows in features),
        kid_subsets=1,
        kid_subset_size=2000,
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1,
        rng_seed=0,
        verbose=False,
    )
    ours = squared_mmd(*(rows.astype(np.float64) for rows in features))
    assert ours == pytest.approx(there["kernel_inception_distance_mean"], rel=1e-6)


def test_precision_and_recall_exactly(features: tuple[np.ndarray, np.ndarray]) -> None:
    from torch_fidelity.metric_prc import prc_features_to_metric

    there = prc_features_to_metric(
        *(torch_of(rows.astype(np.float64)) for rows in features),
        prc_neighborhood=3,
        prc_batch_size=1000,
        save_cpu_ram=False,
        verbose=False,
    )
    ours = prdc(*features, k=3)
    # torch.cdist rounds differently: a ball's edge may go to either side for one image in 2,000
    assert ours.precision == pytest.approx(there["precision"], abs=1 / 2000)
    assert ours.recall == pytest.approx(there["recall"], abs=1 / 2000)


def test_all_four_against_the_authors_package(features: tuple[np.ndarray, np.ndarray]) -> None:
    from prdc import compute_prdc

    generated, real = (rows.astype(np.float64) for rows in features)
    there = compute_prdc(real_features=real, fake_features=generated, nearest_k=5)
    assert prdc(generated, real, k=5).all_four() == pytest.approx(there, rel=1e-6)


def test_the_score_to_a_millionth() -> None:
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = np.random.default_rng(1).normal(0, 3, (3000, 10)).astype(np.float32)
    there = isc_features_to_metric(torch_of(logits), splits=1, shuffle=False)
    assert class_score(logits) == pytest.approx(there["inception_score_mean"], rel=1e-6)
