"""All families of metrics on one set of features, with what stands beside each number."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.progress import progress
from ganflow.metrics import doubts, frechet
from ganflow.metrics.classes import class_score, classes
from ganflow.metrics.extrapolation import Extrapolation, extrapolate
from ganflow.metrics.intervals import basic_bootstrap, binomial, normal, student
from ganflow.metrics.kernel import BLOCK, FEWEST_BLOCKS, kernel_distance
from ganflow.metrics.memorization import Memorization, TrainingImages
from ganflow.metrics.prdc import NEIGHBOURS, prdc

FAMILIES = 5
FEWEST_FOR_BALLS = 100
SECOND_BASELINE_DRAWS = 5
MANY_CLASSES = 100
"""From here on coverage of modes says more than a histogram."""


@dataclass(frozen=True)
class Seen:
    """A set of images as an extractor sees it."""

    features: np.ndarray
    """(N, d)."""

    logits: np.ndarray | None = None
    """(N, K), where the extractor knows classes."""

    labels: np.ndarray | None = None
    """(N,): the true ones of real images, the ones asked for of samples."""

    def __len__(self) -> int:
        return len(self.features)

    def first(self, count: int) -> "Seen":
        """The first `count` images."""
        logits = None if self.logits is None else self.logits[:count]
        labels = None if self.labels is None else self.labels[:count]
        return Seen(self.features[:count], logits, labels)


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    samples: int
    resamples: int
    baseline_draws: int
    threads: int = 1
    modes: int = 0
    """Samples whose modes are counted, where there are many classes; 0 is none."""


@dataclass
class Findings:
    """What was found: what a reviewer reads, all the rest, and what the plots need."""

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    memorization: Memorization | None = None

    def leave_out(self, family: str, why: str) -> None:
        """Note that a family does not apply here."""
        self.detail.setdefault("left_out", {})[family] = why

    def doubt(self, sentences: list[str]) -> None:
        """Note what speaks against believing the numbers, or the samples."""
        if sentences:
            self.detail.setdefault("doubts", []).extend(sentences)


def measure(
    generated: Seen,
    train: Seen,
    validation: Seen,
    test: Seen,
    plan: Plan,
    advance: Callable[[], object] = lambda: None,
) -> Findings:
    """Every family that features and logits are enough for.

    A family that the real images are too few for is left out, and `detail` says so; that the
    *samples* are too few is an error.

    Args:
        advance: called after each of the `FAMILIES` families.

    Raises:
        DataError: if there are fewer samples than the plan asks for.
    """
    if len(generated) < plan.samples:
        raise DataError(
            f"{len(generated)} samples",
            expected=f"at least {plan.samples}, which this profile judges",
            run=f"set sample.images to {plan.samples} in params.yaml, then dvc repro",
        )
    judged = generated.first(plan.samples)
    findings = Findings()
    _frechet(findings, judged, train, test, plan, "fd")
    advance()
    _kernel(findings, judged, train, test)
    advance()
    _balls(findings, judged, train, test, plan)
    advance()
    if judged.logits is not None and train.labels is not None:
        _classes(findings, judged.logits, judged.labels, train.labels, test)
        if plan.modes and judged.logits.shape[1] >= MANY_CLASSES:
            _modes(findings, judged.logits[: plan.modes], train.labels, test)
    advance()
    _memorization(findings, judged, train, validation, test, plan)
    advance()
    return findings


def inception_distance(
    findings: Findings, plan: Plan, generated: np.ndarray, train: np.ndarray, test: np.ndarray
) -> None:
    """Add `fid`, from Inception's features; the interval of `fd` then stands in the detail only,
    so that the metrics stay few."""
    _frechet(findings, Seen(generated), Seen(train), Seen(test), plan, "fid")
    findings.metrics["fid"] = {key: findings.metrics["fid"][key] for key in ("value", "ratio")}
    for key in ("low", "high"):
        findings.metrics["fd"].pop(key)


def _frechet(
    findings: Findings, generated: Seen, train: Seen, test: Seen, plan: Plan, name: str
) -> None:
    size = min(len(generated), len(train))
    ours, reference = frechet.moments(generated.features[:size]), frechet.moments(test.features)
    value = frechet.distance(ours, reference)
    baseline = frechet.baseline(
        train.features, test.features, size, plan.baseline_draws, np.random.default_rng(1)
    )
    within = basic_bootstrap(value, _resampled(generated.features[:size], reference, plan, name))
    if baseline.mean == 0.0:
        raise DataError(
            "real images have a distance of 0 to the test split: it consists of training images",
            expected="splits that share no image",
            run="dvc repro prepare",
        )
    ratio = value / baseline.mean
    findings.metrics[name] = {
        "value": value,
        "baseline": baseline.mean,
        "ratio": ratio,
        "low": within.low,
        "high": within.high,
    }
    findings.detail[name] = {
        "value": value,
        "interval": within.bounds,
        "ratio": ratio,
        "ratio_interval": [within.low / baseline.mean, within.high / baseline.mean],
        "baseline": {
            "mean": baseline.mean,
            "spread": baseline.spread,
            "draws": list(baseline.draws),
        },
        "samples": size,
        "test_images": len(test),
        "resamples": plan.resamples,
        "method": "Fréchet distance to the test split from QR factors in float64; interval: 95 %, "
        "basic bootstrap over samples; baseline: random train subsets of the same size",
    }
    _infinity(findings, generated, train, test, name)


def _infinity(findings: Findings, generated: Seen, train: Seen, test: Seen, name: str) -> None:
    """Add the distance extrapolated to endlessly many samples."""
    try:
        line = extrapolate(generated.features, test.features, np.random.default_rng(3))
    except DataError as error:
        findings.leave_out(f"{name}.infinity", error.what)
        return
    findings.metrics[name]["infinity"] = line.intercept
    findings.detail[name]["infinity_interval"] = student(
        line.intercept, line.error or 0.0, len(line.sizes) - 1
    ).bounds
    findings.detail[name]["infinity"] = {
        "value": line.intercept,
        "error": line.error,
        "slope": line.slope,
        "sizes": list(line.sizes),
        "distances": list(line.distances),
        "real": extrapolate(
            _subset(train, len(test), 4).features,
            test.features,
            np.random.default_rng(3),
            with_error=False,
        ).intercept,
        "method": "intercept of distances over 1/N, samples and test images both thinned to N; "
        "error: jackknife over 20 pieces of both",
    }
    findings.tables[name] = _line_table(line)


def _resampled(
    generated: np.ndarray, reference: frechet.Moments, plan: Plan, name: str
) -> np.ndarray:
    """Distances (plan.resamples,) of resampled features, which take a while for many samples."""
    rng = np.random.default_rng(2)
    with progress(f"{name} resampled", plan.resamples, "times") as shown:
        return frechet.bootstrap(generated, reference, plan.resamples, rng, shown.advance)


def _line_table(line: Extrapolation) -> list[dict[str, Any]]:
    measured = [
        {"inverse": 1.0 / size, "samples": size, "distance": value, "line": line.at(size)}
        for size, value in zip(line.sizes, line.distances, strict=True)
    ]
    return [
        {"inverse": 0.0, "samples": "", "distance": "", "line": line.intercept},
        *measured[::-1],
    ]


def _kernel(findings: Findings, generated: Seen, train: Seen, test: Seen) -> None:
    rows = min(len(generated), len(test), len(train))
    block = min(BLOCK, rows // 10)
    if block < 2 * FEWEST_BLOCKS:
        findings.leave_out("kid", f"{rows} images are too few for ten blocks")
        return
    found = kernel_distance(generated.features, test.features, np.random.default_rng(5), block)
    real = kernel_distance(
        _subset(train, rows, 6).features, test.features, np.random.default_rng(5), block
    )
    findings.metrics["kid"] = {"value": found.value}
    findings.detail["kid"] = {
        "value": found.value,
        "error": found.error,
        "interval": student(found.value, found.error, found.blocks - 1).bounds,
        "blocks": found.blocks,
        "block": block,
        "real": {"value": real.value, "error": real.error},
        "method": "unbiased MMD² under (xᵀy/d + 1)³ over disjoint blocks; standard error over them",
    }


def _balls(findings: Findings, generated: Seen, train: Seen, test: Seen, plan: Plan) -> None:
    size = min(len(generated), len(test), len(train))
    if size < FEWEST_FOR_BALLS:
        findings.leave_out("prdc", f"{size} images, and {FEWEST_FOR_BALLS} are needed")
        return
    real = _subset(test, size, 7).features
    found = prdc(generated.features[:size], real, NEIGHBOURS, plan.threads)
    best = prdc(_subset(train, size, 8).features, real, NEIGHBOURS, plan.threads)
    findings.metrics["prdc"] = found.all_four()
    findings.detail["prdc"] = {
        **found.all_four(),
        "precision_interval": binomial(round(found.precision * size), size).bounds,
        "recall_interval": normal(found.recall, found.recall_error).within_shares.bounds,
        "density_interval": student(found.density, found.density_error, size - 1).bounds,
        "coverage_interval": normal(found.coverage, found.coverage_error).within_shares.bounds,
        "real": best.all_four(),
        "neighbours": NEIGHBOURS,
        "images": size,
        "method": "balls to the 5th nearest other image, inside is strictly nearer; "
        "real: a train subset in the samples' place; intervals: over draws of samples against "
        "this test split, Wilson's for precision, Student's for density, and a jackknife over "
        "groups of samples for recall and coverage",
    }
    findings.tables["prdc"] = [
        {"metric": key, "generated": value, "real": getattr(best, key)}
        for key, value in found.all_four().items()
    ]


def _classes(
    findings: Findings,
    logits: np.ndarray,
    asked: np.ndarray | None,
    labels: np.ndarray,
    test: Seen,
) -> None:
    found = classes(logits, labels, asked)
    findings.metrics["classes"] = {"kl": found.kl}
    generated, real = found.generated, found.real
    by_class: dict[str, Any] = {"generated": generated.tolist(), "real": real.tolist()}
    detail: dict[str, Any] = {
        "kl": found.kl,
        "kl_baseline": found.baseline,
        "kl_interval": found.interval.bounds,
        "confidence": found.confidence,
        "score": class_score(logits),
    }
    if found.label_accuracy is not None and found.accuracy_by_class is not None:
        findings.metrics["classes"]["label_accuracy"] = found.label_accuracy
        detail["label_accuracy"] = found.label_accuracy
        detail["label_accuracy_interval"] = binomial(
            round(found.label_accuracy * len(logits)), len(logits)
        ).bounds
        by_class["label_accuracy"] = [
            None if np.isnan(value) else value for value in found.accuracy_by_class.tolist()
        ]
    if test.logits is not None and test.labels is not None:
        held_out = classes(test.logits, labels, test.labels)
        detail["test"] = {
            "kl": held_out.kl,
            "confidence": held_out.confidence,
            "score": class_score(test.logits),
            "label_accuracy": held_out.label_accuracy,
        }
    detail["by_class"] = by_class
    detail["method"] = (
        "classes as the extractor sees them; KL of the samples from the training labels, in nats; "
        "baseline: (K − 1)/2N"
    )
    findings.detail["classes"] = detail
    shares = zip((real / real.sum()).tolist(), (generated / generated.sum()).tolist(), strict=True)
    findings.tables["classes"] = [
        {"class": index, "real": theirs, "generated": ours}
        for index, (theirs, ours) in enumerate(shares)
    ]


def _modes(findings: Findings, logits: np.ndarray, labels: np.ndarray, test: Seen) -> None:
    reached = classes(logits, labels, None)
    findings.metrics["modes"] = {"covered": reached.covered}
    findings.detail["modes"] = {
        "covered": reached.covered,
        "of": len(reached.generated),
        "samples": len(logits),
        "kl": reached.kl,
        "kl_baseline": reached.baseline,
        "kl_interval": reached.interval.bounds,
        "method": "classes that at least one sample is seen as; KL of the samples' classes from "
        "the training labels, in nats; baseline: (K − 1)/2N",
    }
    if test.logits is not None:
        real = classes(test.logits, labels, None)
        findings.detail["modes"]["real"] = {
            "covered": real.covered,
            "samples": len(test.logits),
            "kl": real.kl,
            "kl_baseline": real.baseline,
        }


def _memorization(
    findings: Findings, generated: Seen, train: Seen, validation: Seen, test: Seen, plan: Plan
) -> None:
    if min(len(train), len(test), len(validation)) < FEWEST_FOR_BALLS:
        findings.leave_out("memorization", f"a split of fewer than {FEWEST_FOR_BALLS} images")
        return
    training = TrainingImages(train.features, test.features, plan.threads)
    found = training.compare(generated.features)
    held_out = training.compare(validation.features)
    near = frechet.moments(train.features)
    far = frechet.moments(test.features)
    gap = _gap(generated, near, far)
    findings.memorization = found
    findings.metrics["memorization"] = {
        "ct": found.ct,
        "authenticity": found.authenticity,
        "fd_gap": gap,
    }
    share = binomial(round(found.authenticity * len(generated)), len(generated))
    findings.doubt(doubts.of_copying(found.ct, held_out.ct, share.high, held_out.authenticity))
    findings.detail["memorization"] = {
        **_closeness(found),
        "authenticity_interval": share.bounds,
        "fd_gap": gap,
        "real": {**_closeness(held_out), "fd_gap": _gap(validation, near, far)},
        "method": "distances to the nearest training image in 64 principal components; C_T over "
        "3 cells, far below 0 where training images were copied; fd_gap: distance to train minus "
        "distance to test; real: the validation images in the samples' place",
    }


def _closeness(found: Memorization) -> dict[str, float]:
    return {
        "ct": found.ct,
        "authenticity": found.authenticity,
        "median_distance": found.median_distance,
    }


def _gap(seen: Seen, train: frechet.Moments, test: frechet.Moments) -> float:
    ours = frechet.moments(seen.features)
    return frechet.distance(ours, train) - frechet.distance(ours, test)


def second_opinion(
    findings: Findings, generated: np.ndarray, train: np.ndarray, test: np.ndarray
) -> None:
    """Add the ratio under an independently seeded extractor, and whether it agrees.

    Snapshots are chosen by the first extractor's distances. A generator that pleases it alone
    has a much better ratio under the first than under the second.
    """
    size = min(len(generated), len(train))
    value = frechet.frechet_distance(generated[:size], test)
    baseline = frechet.baseline(train, test, size, SECOND_BASELINE_DRAWS, np.random.default_rng(10))
    ratio = value / baseline.mean
    first = findings.metrics["fd"]["ratio"]
    findings.metrics["fd"]["second_ratio"] = ratio
    findings.detail["fd"]["second"] = {
        "value": value,
        "baseline": baseline.mean,
        "ratio": ratio,
        "agrees": doubts.agree(first, ratio),
        "tolerated_factor": doubts.DISAGREEMENT,
    }
    findings.doubt(doubts.of_two_opinions(first, ratio))


def _subset(seen: Seen, size: int, seed: int) -> Seen:
    """`size` random rows, in their order; all of them if there are no more."""
    if size >= len(seen):
        return seen
    rows = np.sort(np.random.default_rng(seed).choice(len(seen), size, replace=False))
    return Seen(
        seen.features[rows],
        None if seen.logits is None else seen.logits[rows],
        None if seen.labels is None else seen.labels[rows],
    )
