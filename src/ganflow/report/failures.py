"""Where it fails: the samples that the extractor reads least well, and what it takes them for."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Readings:
    """What the extractor sees in samples.

    read: int64 (N,), the likeliest class.
    likelihood: float64 (N,), the probability of the class that was asked for, or without
        labels that of the likeliest class.
    """

    read: np.ndarray
    likelihood: np.ndarray


@dataclass(frozen=True)
class Confusion:
    asked: int
    read: int
    count: int
    share: float
    """Of the samples that were asked to be `asked`."""


def readings(logits: np.ndarray, labels: np.ndarray | None) -> Readings:
    """Turn logits (N, K) into what was read, and how likely what was asked for is."""
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    read = probabilities.argmax(1)
    asked = read if labels is None else labels
    return Readings(read, probabilities[np.arange(len(read)), asked])


def least_likely(seen: Readings, count: int) -> np.ndarray:
    """Indices of the `count` samples with the lowest likelihood, lowest first."""
    return np.argsort(seen.likelihood, kind="stable")[:count]


def confusion_matrix(labels: np.ndarray, read: np.ndarray, classes: int) -> np.ndarray:
    """int64 (K, K): how many samples asked to be the row were read as the column."""
    return np.bincount(labels * classes + read, minlength=classes**2).reshape(classes, classes)


def worst_confusions(matrix: np.ndarray, count: int) -> list[Confusion]:
    """The commonest mistakes in a confusion matrix (K, K), commonest first."""
    mistakes = matrix.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    found = []
    for asked, read in zip(*np.unravel_index(order, matrix.shape), strict=True):
        number = int(matrix[asked, read])
        if number and asked != read:
            share = number / int(matrix[asked].sum())
            found.append(Confusion(int(asked), int(read), number, share))
    return found
