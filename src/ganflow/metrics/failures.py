"""The samples that the extractor classifies worst, and the classes that it confuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganflow.metrics.classes import softmax

WEAKEST, CONFUSIONS = 20, 8
MOST_CLASSES = 20


@dataclass(frozen=True)
class Predictions:
    """The extractor's classification of samples.

    predicted: int64 (N,), the most probable class.
    likelihood: float64 (N,), the probability of the requested class; without labels, of the
        most probable one.
    """

    predicted: np.ndarray
    likelihood: np.ndarray


def find_failures(
    labels: np.ndarray | None, logits: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """The samples with the lowest likelihood, and the confusions.

    Args:
        labels: int64 (N,), the requested classes; None for an unconditional model.
        logits: float (N, K) for K classes. For data without labels the extractor's logits of the
            shape of an image and of how it is turned, at `shape · 4 + turn`, with 0 for upright.

    Returns:
        `samples` (how many were classified), `weakest` (the samples of lowest likelihood), and, for
        a conditional model, `confusions` and for up to `MOST_CLASSES` classes `matrix` (K, K):
        counts by requested and predicted class.
    """
    if not classes:
        turns = np.logaddexp.reduce(logits.astype(np.float64).reshape(len(logits), -1, 4), axis=1)
        seen = predictions(turns, np.zeros(len(logits), np.int64))
    else:
        seen = predictions(logits, labels)
    weakest = [
        {
            "sample": index,
            "likelihood": float(seen.likelihood[index]),
            **({"predicted": int(seen.predicted[index])} if classes else {}),
            **({"requested": int(labels[index])} if classes and labels is not None else {}),
        }
        for index in least_likely(seen, WEAKEST).tolist()
    ]
    found: dict[str, Any] = {"samples": len(logits), "weakest": weakest}
    if classes and labels is not None:
        matrix = confusion_matrix(labels, seen.predicted, len(classes))
        found["confusions"] = worst_confusions(matrix, CONFUSIONS)
        if len(classes) <= MOST_CLASSES:
            found["matrix"] = matrix.tolist()
    return found


def predictions(logits: np.ndarray, labels: np.ndarray | None) -> Predictions:
    """The most probable class of logits (N, K), and the probability of the requested one."""
    probabilities = softmax(logits)
    predicted = probabilities.argmax(1)
    requested = predicted if labels is None else labels
    return Predictions(predicted, probabilities[np.arange(len(predicted)), requested])


def least_likely(seen: Predictions, count: int) -> np.ndarray:
    """Indices of the `count` samples with the lowest likelihood, lowest first."""
    return np.argsort(seen.likelihood, kind="stable")[:count]


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """int64 (K, K): samples by requested (row) and predicted class (column)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def worst_confusions(matrix: np.ndarray, count: int) -> list[dict[str, Any]]:
    """The most frequent mistakes in a confusion matrix (K, K), the most frequent first.

    Returns:
        `requested` and `predicted` class, `count`, and `share` of the samples of the class that was
        requested.
    """
    mistakes = matrix.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    found = []
    for requested, predicted in zip(*np.unravel_index(order, matrix.shape), strict=True):
        number = int(mistakes[requested, predicted])
        if number:
            share = number / int(matrix[requested].sum())
            pair = {"requested": int(requested), "predicted": int(predicted)}
            found.append({**pair, "count": number, "share": share})
    return found
