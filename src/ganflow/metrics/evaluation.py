"""The whole evaluation of one set of samples: every family of metrics that applies to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from ganflow.base.progress import progress
from ganflow.base.runtime import has_bfloat16
from ganflow.base.store import Split
from ganflow.features.classifier import Lessons, epochs_for
from ganflow.features.extractor import TURNS, Extractor
from ganflow.features.neighbours import nearest_few
from ganflow.metrics.doubts import of_the_extractor
from ganflow.metrics.fresh_classifiers import accuracy_score, two_sample
from ganflow.metrics.inception import Inception
from ganflow.metrics.suite import (
    FAMILIES,
    Findings,
    NearestTrainingImages,
    Plan,
    Seen,
    inception_distance,
    measure,
    second_opinion,
)

SECOND_TRAIN = 20_000
NEIGHBOUR_ROWS, NEIGHBOURS = 10, 5


def evaluate(
    samples: Split,
    splits: Mapping[str, Split],
    classes: tuple[str, ...],
    extractors: tuple[Extractor, Extractor],
    inception: Inception | None,
    plan: Plan,
) -> Findings:
    """Measure samples against the splits `train`, `validation` and `test`.

    Every random choice has a fixed seed, so equal samples get equal numbers.

    Args:
        classes: names of the data's classes, or none.
        extractors: the one that measures, and the one that checks it.
        inception: adds `fid`.
    """
    first, second = extractors
    train, test = splits["train"], splits["test"]
    with progress("evaluate", FAMILIES + 3, "steps") as shown:
        generated = see(first, samples)
        real = see(first, train)
        shown.advance()
        findings = measure(
            generated,
            real,
            see(first, splits["validation"]),
            see(first, test),
            plan,
            shown.advance,
        )
        findings.doubt(of_the_extractor(first.card, test.labels, TURNS))
        most = max(SECOND_TRAIN, plan.samples)
        part = train.images[np.sort(np.random.default_rng(0).permutation(len(train.images))[:most])]
        measured = (samples.images, part, test.images)
        second_opinion(findings, *(second.describe(images).features for images in measured))
        if inception is not None:
            inception_distance(findings, plan, *(inception.describe(images) for images in measured))
        shown.advance()
        if plan.fresh_classifiers:
            _ask_fresh_classifiers(findings, samples, train, test, classes)
        if findings.memorization is not None:
            findings.neighbours = _neighbours(findings.memorization.distances, generated, real)
        shown.advance()
    return findings


def see(extractor: Extractor, split: Split) -> Seen:
    """Images as this extractor sees them; logits only where they stand for classes."""
    found = extractor.describe(split.images)
    return Seen(found.features, found.logits if extractor.classes else None, split.labels)


def evaluator_id(hashes: list[str], test: Split) -> str:
    """Sixteen hex digits that change with these weights' hashes or with the test split."""
    digest = hashlib.sha256("\n".join(hashes).encode())
    digest.update(np.ascontiguousarray(test.images).data)
    if test.labels is not None:
        digest.update(np.ascontiguousarray(test.labels).data)
    return digest.hexdigest()[:16]


def _neighbours(distances: np.ndarray, generated: Seen, real: Seen) -> NearestTrainingImages:
    closest = np.argsort(distances, kind="stable")[:NEIGHBOUR_ROWS]
    rows = np.concatenate([closest, np.arange(NEIGHBOUR_ROWS)])
    return NearestTrainingImages(
        rows, nearest_few(generated.features[rows], real.features, NEIGHBOURS)
    )


def _ask_fresh_classifiers(
    findings: Findings, samples: Split, train: Split, test: Split, classes: tuple[str, ...]
) -> None:
    lessons = Lessons(
        seed=0,
        epochs=epochs_for(min(len(samples.images), len(train.images))),
        batch=128,
        learning_rate=0.002,
        bfloat16=has_bfloat16(),
    )
    told = two_sample(samples.images, train.images, test.images, lessons)
    findings.metrics["c2st"] = {"accuracy": told.accuracy}
    findings.detail["c2st"] = {
        "accuracy": told.accuracy,
        "accuracy_interval": told.interval.bounds,
        "held_out": told.held_out,
        "epochs": lessons.epochs,
        "method": "held-out accuracy of a fresh classifier between real and generated; 0.5 is "
        "ideal; Wilson's interval",
    }
    if samples.labels is None or train.labels is None or test.labels is None:
        findings.leave_out("cas", "it needs samples with labels")
        return
    score = accuracy_score(
        (samples.images, samples.labels),
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
