"""Select images: by class, up to a number, and evenly over classes."""

import difflib
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams
from ganflow.data.splits import DROPPED, TRAIN


def select_classes(names: list[str], data: DataParams, where: Path) -> np.ndarray:
    """Which classes `data.classes` names: bool (K,).

    Raises:
        DataError: when it names a class that the source does not have.
    """
    if data.classes == "all":
        return np.ones(len(names), bool)
    chosen = [str(name) for name in data.classes]
    for name in chosen:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            shown = ", ".join(in_order(names)[:20]) or "none: it has no labels"
            raise DataError(
                f"data.classes names `{name}`, which is not a class of this source{hint}",
                where=str(where),
                expected=f"some of: {shown}",
                run="change data.classes in params.yaml",
            )
    return np.array([name in chosen for name in names], bool)


def in_order(names: list[str]) -> list[str]:
    """Classes by number where all are numbers, else by name."""
    if all(name.isascii() and name.isdigit() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def balance(splits: np.ndarray, labels: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Drop training images until every class has as many as the rarest one.

    Those with the smallest digests stay, so the choice is random but always the same.

    Args:
        splits: int8 (N,), from `ganflow.data.splits`.
        labels: int32 (N,), class indices.
        sources: uint64 (N, 2), digests of the images.
    """
    members = _training_images(splits, sources)
    classes, counts = np.unique(labels[members], return_counts=True)
    balanced = splits.copy()
    for label in classes:
        balanced[members[labels[members] == label][counts.min() :]] = DROPPED
    return balanced


def limit(splits: np.ndarray, sources: np.ndarray, images: int) -> np.ndarray:
    """Keep only the `images` training images with the smallest digests."""
    limited = splits.copy()
    limited[_training_images(splits, sources)[images:]] = DROPPED
    return limited


def _training_images(splits: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Their indices, in the order of their digests: int64 (n,)."""
    members = np.flatnonzero(splits == TRAIN)
    ordered: np.ndarray = members[np.lexsort((sources[members, 1], sources[members, 0]))]
    return ordered
