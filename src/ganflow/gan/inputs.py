"""What a training takes from the parameters and the prepared data, and the checks of both."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganflow.base.environment import versions
from ganflow.base.errors import ParameterError
from ganflow.base.runtime import RuntimeParams, resolved
from ganflow.base.store import Store
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams
from ganflow.gan.checkpoint import training_key
from ganflow.gan.networks.design import Design

LARGE = 32
"""Pixels of the longer side above which networks have half the channels at each resolution, so that
an image costs little more than at 32 pixels, and one more level, so that they see it whole."""


def training_inputs(
    seed: int,
    runtime: RuntimeParams,
    model: ModelParams,
    train: TrainParams,
    store: Store,
    own_files: Mapping[str, str],
    start: str | None = None,
) -> dict[str, Any]:
    """Everything that shapes a training and must be the same on all workers, as JSON values.

    Args:
        own_files: the SHA-256 of each file of the project's own code.
        start: the SHA-256 of the card of the model to start from.
    """
    return {
        "seed": seed,
        "precision": resolved(runtime.precision),
        "model": model.model_dump(),
        "train": train.model_dump(exclude={"strategy"}),
        "data": store.card,
        "code": training_key({}),
        "own code": dict(own_files),
        "start": start,
        "versions": versions(),
    }


def design_for(model: ModelParams, store: Store) -> Design:
    """The description of the networks for these parameters and this data.

    Raises:
        ParameterError: the model is to be conditional, and the data has no labels.
    """
    if model.conditional is True and not store.classes:
        raise ParameterError(
            "model.conditional: True, but the data has no labels",
            where="params.yaml",
            expected="auto or false; or data whose sub-folders are its classes",
            run="edit params.yaml, then dvc repro",
        )
    large = max(store.shape[:2]) > LARGE
    return Design(
        model.architecture,
        store.shape,
        len(store.classes) if model.conditional else 0,
        model.latent,
        model.mapping,
        model.spectral_norm,
        (16 if large else 32) if model.width == "auto" else model.width,
        4 if large else 8,
    )


def class_shares(labels: np.ndarray | None, classes: int) -> list[float]:
    """The frequency of each class in the training split; empty if the model is unconditional."""
    if labels is None or not classes:
        return []
    counts = np.bincount(labels, minlength=classes)
    return [float(share) for share in counts / counts.sum()]
