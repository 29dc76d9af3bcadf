"""The evaluation of samples: all metrics of a profile, under all its feature extractors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganflow.base.runtime import has_bfloat16
from ganflow.base.store import Store
from ganflow.features.classifier import Lessons, epochs_for
from ganflow.features.extractor import TURNS, Extractor
from ganflow.metrics.copies import find_copies
from ganflow.metrics.doubts import of_few_images, of_planted_faults, of_the_extractor
from ganflow.metrics.failures import find_failures
from ganflow.metrics.fresh_classifiers import add_fresh_classifiers
from ganflow.metrics.inception import Inception
from ganflow.metrics.per_class import add_per_class
from ganflow.metrics.suite import (
    FAMILIES,
    Findings,
    Plan,
    Seen,
    inception_distance,
    measure,
    second_opinion,
)

SECOND_TRAIN = 20_000
"""Training images for the second extractor, unless there are more samples."""

STEPS = FAMILIES + 3
"""How often `evaluate_samples` reports progress."""


@dataclass(frozen=True)
class Evaluator:
    """The networks whose features are measured. The first one also chose the snapshot."""

    first: Extractor
    second: Extractor
    inception: Inception | None = None


def evaluate_samples(
    evaluator: Evaluator,
    samples: np.ndarray,
    labels: np.ndarray | None,
    store: Store,
    plan: Plan,
    full: bool,
    advance: Callable[[], object],
) -> tuple[Findings, Seen, Seen]:
    """Measure samples against the prepared data.

    Args:
        samples: uint8 (N, H, W, C).
        labels: int64 (N,), the requested classes; None for an unconditional model.
        full: whether classifiers are trained on the samples too.
        advance: called `STEPS` times.

    Returns:
        The findings, and the features of the samples and of the training split.
    """
    train, validation, test = (store.split(name) for name in ("train", "validation", "test"))
    first = evaluator.first
    described = first.describe(samples)
    generated = Seen(described.features, described.logits if first.classes else None, labels)
    real, unseen, held_out = (
        see(first, split.images, split.labels) for split in (train, validation, test)
    )
    advance()
    findings = measure(generated, real, unseen, held_out, plan, advance)
    if first.classes:
        add_per_class(findings, generated.first(plan.samples), real, held_out, store.classes, plan)
    findings.doubt(of_planted_faults(first.card, "extractor"))
    findings.doubt(of_planted_faults(evaluator.second.card, "second extractor"))
    findings.doubt(of_the_extractor(first.card, test.labels, TURNS))
    findings.doubt(of_few_images(len(test.images)))
    findings.detail["copies"] = find_copies(samples, train.images, validation.images)
    findings.detail["failures"] = find_failures(labels, described.logits, store.classes)
    _add_other_features(findings, evaluator, samples, train.images, test.images, plan)
    advance()
    if full:
        lessons = Lessons(
            seed=0,
            epochs=epochs_for(min(len(samples), len(train.images))),
            batch=128,
            learning_rate=0.002,
            bfloat16=has_bfloat16(),
        )
        add_fresh_classifiers(findings, (samples, labels), train, test, store.classes, lessons)
    advance()
    return findings, generated, real


def see(extractor: Extractor, images: np.ndarray, labels: np.ndarray | None) -> Seen:
    """Features of images, and logits if the extractor knows classes."""
    found = extractor.describe(images)
    return Seen(found.features, found.logits if extractor.classes else None, labels)


def _add_other_features(
    findings: Findings,
    evaluator: Evaluator,
    samples: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    plan: Plan,
) -> None:
    order = np.random.default_rng(0).permutation(len(train))
    part = np.sort(order[: max(SECOND_TRAIN, len(samples))])
    sets = (samples, train[part], test)
    second_opinion(findings, *(evaluator.second.describe(images).features for images in sets))
    if evaluator.inception is not None:
        generated, real, held_out = (evaluator.inception.describe(images) for images in sets)
        inception_distance(findings, plan, generated, real, held_out)
