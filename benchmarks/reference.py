"""torch-fidelity's metrics as functions of features, without the torchvision it asks for.

torch-fidelity imports torchvision for data sets and networks that are not used here, and
torchvision must be built for exactly the torch that is installed. Where that import fails, an
empty stand-in takes its place.
"""

import sys
from contextlib import suppress
from typing import Any
from unittest.mock import MagicMock

import numpy as np

PARTS = ("", ".datasets", ".transforms", ".transforms.functional", ".models")


def _torch_fidelity(module: str) -> Any:
    import importlib

    if "torch_fidelity" not in sys.modules:
        with suppress(ImportError, RuntimeError):
            importlib.import_module("torchvision")
        if "torchvision" not in sys.modules:
            for part in PARTS:
                sys.modules[f"torchvision{part}"] = MagicMock()
    return importlib.import_module(f"torch_fidelity.{module}")


def _tensor(rows: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows))


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """FID of features (n, d) and (m, d) float64."""
    fid = _torch_fidelity("metric_fid")
    statistics = [fid.fid_features_to_statistics(_tensor(rows)) for rows in (a, b)]
    return float(
        fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    )


def kernel_distance(a: np.ndarray, b: np.ndarray, subsets: int, size: int) -> float:
    """KID, the mean over random subsets; of all rows if `size` is their number."""
    found = _torch_fidelity("metric_kid").kid_features_to_metric(
        _tensor(a),
        _tensor(b),
        kid_subsets=subsets,
        kid_subset_size=size,
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1,
        rng_seed=0,
        verbose=False,
    )
    return float(found["kernel_inception_distance_mean"])


def precision_recall(generated: np.ndarray, real: np.ndarray, k: int) -> tuple[float, float]:
    found = _torch_fidelity("metric_prc").prc_features_to_metric(
        _tensor(generated),
        _tensor(real),
        prc_neighborhood=k,
        prc_batch_size=1000,
        save_cpu_ram=False,
        verbose=False,
    )
    return float(found["precision"]), float(found["recall"])


def inception_score(logits: np.ndarray) -> float:
    """Over all rows at once."""
    isc = _torch_fidelity("metric_isc")
    return float(
        isc.isc_features_to_metric(_tensor(logits), splits=1, shuffle=False)["inception_score_mean"]
    )


def prdc(generated: np.ndarray, real: np.ndarray, k: int) -> dict[str, float]:
    """Of the package by the authors of density and coverage, which prints to standard output."""
    from contextlib import redirect_stdout

    from prdc import compute_prdc

    with redirect_stdout(sys.stderr):
        found = compute_prdc(real_features=real, fake_features=generated, nearest_k=k)
    return {name: float(value) for name, value in found.items()}
