"""The distribution of samples over the data's classes, as the extractor sees it."""

from dataclasses import dataclass

import numpy as np

from ganflow.metrics.intervals import Interval, basic_bootstrap

RESAMPLES = 1_000


@dataclass(frozen=True)
class Classes:
    """How samples spread over K classes."""

    generated: np.ndarray
    """Samples in each class, int64 (K,)."""

    real: np.ndarray
    """Training images in each class, int64 (K,)."""

    kl: float
    """KL divergence of the samples' distribution from the data's, in nats."""

    baseline: float
    """(K − 1)/2N: what sampling alone adds to it on average (Miller 1955)."""

    interval: Interval
    """Of the divergence, over draws of samples."""

    confidence: float
    """Mean probability of the class that was seen."""

    label_accuracy: float | None
    """Share of samples that are seen as the class they were asked to be."""

    accuracy_by_class: np.ndarray | None
    """The same for each class that was asked for, float64 (K,); NaN where none was."""

    @property
    def covered(self) -> int:
        """Classes that at least one sample is seen as (Metz et al. 2017; Lin et al. 2018)."""
        return int(np.count_nonzero(self.generated))


def classes(logits: np.ndarray, real_labels: np.ndarray, asked: np.ndarray | None) -> Classes:
    """Compare predicted classes of samples with the training labels.

    The divergence's interval is over draws of as many samples, on the scale of its root: near 0 a
    divergence is like a χ², whose spread grows with its value and whose root's does not.

    Args:
        logits: (N, K), the extractor's for the samples.
        real_labels: (M,) of the training images, 0..K−1.
        asked: (N,), the labels the samples were made for, 0..K−1, or None.
    """
    count, size = logits.shape
    seen = logits.argmax(axis=1)
    generated = np.bincount(seen, minlength=size)
    real = np.bincount(real_labels, minlength=size)
    divergence = kl_divergence(generated, real)
    draws = np.random.default_rng(0).multinomial(count, generated / count, RESAMPLES)
    root = basic_bootstrap(float(np.sqrt(divergence)), np.sqrt(_divergences(draws, real)))
    by_class = None
    if asked is not None:
        wanted = np.bincount(asked, minlength=size)
        right = np.bincount(asked[seen == asked], minlength=size)
        by_class = np.divide(right, wanted, out=np.full(size, np.nan), where=wanted > 0)
    return Classes(
        generated=generated,
        real=real,
        kl=divergence,
        baseline=(size - 1) / (2 * count),
        interval=Interval(root.low**2, root.high**2),
        confidence=float(softmax(logits).max(axis=1).mean()),
        label_accuracy=None if asked is None else float(np.mean(seen == asked)),
        accuracy_by_class=by_class,
    )


def kl_divergence(generated: np.ndarray, real: np.ndarray) -> float:
    """Σ p·log(p/q) in nats, from counts (K,) each.

    Half a count is added to every real class (Jeffreys 1946), so that a class which the data
    lacks costs much and not infinitely much.
    """
    return float(_divergences(generated, real))


def _divergences(generated: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Of each row of counts (..., K) from the counts (K,)."""
    p = generated / generated.sum(axis=-1, keepdims=True)
    q = (real + 0.5) / (real.sum() + 0.5 * len(real))
    terms = p * np.log(np.where(p > 0, p, 1.0) / q)
    return np.asarray(np.maximum(0.0, terms.sum(axis=-1)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (N, K), float64."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def class_score(logits: np.ndarray) -> float:
    """exp of the mean divergence of each sample's classes from all samples' (Salimans et al. 2016).

    The Inception score's formula on the extractor's own classes: between 1 and K, higher where
    samples are sure and various. Over all samples at once, not over ten parts.
    """
    sure = softmax(logits)
    overall = sure.mean(axis=0)
    divergence = np.where(sure > 0, sure * (np.log(np.maximum(sure, 1e-300)) - np.log(overall)), 0)
    return float(np.exp(divergence.sum(axis=1).mean()))
