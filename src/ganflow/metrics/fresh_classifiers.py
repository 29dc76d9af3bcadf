"""What a classifier that was trained for the purpose says about samples (the full profile)."""

from dataclasses import dataclass, replace

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.store import Split
from ganflow.features.classifier import Lessons, train
from ganflow.features.extractor import Extractor
from ganflow.metrics.intervals import Interval, binomial, student
from ganflow.metrics.suite import Findings

FEATURES = 64
SEEDS = 3
FEWEST = 100


@dataclass(frozen=True)
class TwoSample:
    """How well a fresh classifier tells samples from real images it has not seen."""

    accuracy: float
    """0.5 is ideal: a guess."""

    interval: Interval
    held_out: int
    """Images it was asked about, half of them real."""


def two_sample(
    samples: np.ndarray, train_images: np.ndarray, test_images: np.ndarray, lessons: Lessons
) -> TwoSample:
    """A classifier two-sample test (Lopez-Paz and Oquab 2017) on 8-bit images (N, h, w, c).

    It learns from train images and most of the samples, in equal numbers, and is asked about
    test images and the rest of the samples.

    Raises:
        DataError: for fewer than 100 images on either side of either step.
    """
    held = min(len(test_images), len(samples) // 5)
    fit = min(len(train_images), len(samples) - held)
    if held < FEWEST or fit < FEWEST:
        raise DataError(
            f"{len(samples)} samples and {len(test_images)} test images are too few for this test",
            expected=f"at least {6 * FEWEST} samples and {FEWEST} test images",
        )
    chosen = np.sort(np.random.default_rng(0).choice(len(train_images), fit, replace=False))
    classifier = _learn(
        np.concatenate([train_images[chosen], samples[:fit]]),
        np.repeat([0, 1], fit),
        ("real", "generated"),
        lessons,
        "two-sample test",
    )
    asked = np.concatenate([test_images[:held], samples[-held:]])
    right = int(np.sum(classifier.describe(asked).logits.argmax(1) == np.repeat([0, 1], held)))
    return TwoSample(right / (2 * held), binomial(right, 2 * held), 2 * held)


@dataclass(frozen=True)
class AccuracyScore:
    """How much a classifier learns about real images from samples alone."""

    from_samples: tuple[float, ...]
    """Accuracy on the real test split, one for each seed."""

    from_real: tuple[float, ...]
    """The same of classifiers trained on as many real images."""

    @property
    def ratio(self) -> float:
        return float(np.mean(self.from_samples) / np.mean(self.from_real))

    @property
    def interval(self) -> Interval:
        """Student's, over seeds, of the ratio of each pair."""
        ratios = np.divide(self.from_samples, self.from_real)
        error = float(ratios.std(ddof=1) / np.sqrt(len(ratios)))
        return student(self.ratio, error, len(ratios) - 1)


def accuracy_score(
    samples: tuple[np.ndarray, np.ndarray],
    train_split: tuple[np.ndarray, np.ndarray],
    test_split: tuple[np.ndarray, np.ndarray],
    classes: tuple[str, ...],
    lessons: Lessons,
) -> AccuracyScore:
    """The classification accuracy score (Ravuri and Vinyals 2019) from images and labels."""
    count = min(len(samples[0]), len(train_split[0]))
    chosen = np.sort(np.random.default_rng(0).choice(len(train_split[0]), count, replace=False))
    real = train_split[0][chosen], train_split[1][chosen]
    ours = samples[0][:count], samples[1][:count]
    scores: dict[str, list[float]] = {"samples": [], "real images": []}
    for seed in range(lessons.seed, lessons.seed + SEEDS):
        for name, (images, labels) in (("samples", ours), ("real images", real)):
            what = f"classifier of {name}"
            classifier = _learn(images, labels, classes, replace(lessons, seed=seed), what)
            seen = classifier.describe(test_split[0]).logits.argmax(1)
            scores[name].append(float(np.mean(seen == test_split[1])))
    return AccuracyScore(tuple(scores["samples"]), tuple(scores["real images"]))


def _learn(
    images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], lessons: Lessons, what: str
) -> Extractor:
    weights = train(images, labels, FEATURES, len(classes), lessons, what=what)
    card = {"shape": images.shape[1:], "features": FEATURES, "classes": classes}
    return Extractor(weights, card)


def add_fresh_classifiers(
    findings: Findings,
    generated: tuple[np.ndarray, np.ndarray | None],
    train: Split,
    test: Split,
    classes: tuple[str, ...],
    lessons: Lessons,
) -> None:
    """Add the two families that train classifiers: `c2st`, and `cas` if there are labels.

    Args:
        generated: samples, uint8 (N, H, W, C), and their labels (N,) or None.
    """
    samples, labels = generated
    tested = two_sample(samples, train.images, test.images, lessons)
    findings.metrics["c2st"] = {"accuracy": tested.accuracy}
    findings.detail["c2st"] = {
        "accuracy": tested.accuracy,
        "accuracy_interval": tested.interval.bounds,
        "held_out": tested.held_out,
        "epochs": lessons.epochs,
        "method": "held-out accuracy of a fresh classifier between real and generated; 0.5 is "
        "ideal; Wilson's interval",
    }
    if labels is None or train.labels is None or test.labels is None:
        findings.leave_out("cas", "it needs samples with labels")
        return
    score = accuracy_score(
        (samples, labels),
        (train.images, train.labels),
        (test.images, test.labels),
        classes,
        lessons,
    )
    findings.metrics["cas"] = {"ratio": score.ratio}
    findings.detail["cas"] = {
        "ratio": score.ratio,
        "ratio_interval": score.interval.bounds,
        "from_samples": list(score.from_samples),
        "from_real": list(score.from_real),
        "epochs": lessons.epochs,
        "method": "accuracy on the test split of classifiers trained on samples, over that of "
        "ones trained on as many real images; Student's interval over three seeds",
    }
