"""Each class by itself: a generator that is good on average may have lost one.

The distance within classes is that of Miyato and Koyama (2018, "intra FID"), here over what real
images of the class reach.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ganflow.base.errors import DataError
from ganflow.features.blas import one_thread
from ganflow.metrics import frechet
from ganflow.metrics.frechet_error import frechet_error
from ganflow.metrics.intervals import Interval, binomial, normal, simultaneous, student
from ganflow.metrics.kernel import mmd_of_few
from ganflow.metrics.prdc import NEIGHBOURS, prdc
from ganflow.metrics.suite import FEWEST_FOR_BALLS, Findings, Plan, Seen

ROWS_PER_FEATURE = 2
"""With fewer images for each feature the covariance is more noise than class."""

FEWEST_FOR_KERNEL, MOST_FOR_KERNEL = 20, 500
DRAWS = 5
SHARES = ("precision", "recall", "coverage")

METHOD = (
    "images of the {} class; fd: Fréchet distance to the class's test images, error: infinitesimal "
    f"jackknife over samples, baseline: up to {DRAWS} random subsets of the class's training "
    "images, of the same size; kid: unbiased MMD² under (xᵀy/d + 1)³ of up to 500 images, error: "
    "jackknife over samples; prdc as for all images; worst_ratio: the largest fd ratio, "
    "its interval holds for all classes together, its baseline is the largest of real images"
)


def add_per_class(
    findings: Findings,
    generated: Seen,
    train: Seen,
    test: Seen,
    classes: Sequence[str],
    plan: Plan,
) -> None:
    """Add `each` to the detail of `classes`, and `worst_ratio` where a class can be measured.

    Args:
        generated, train, test: with logits (N, K). A sample's class is the one it was asked to be;
            without requests the classes of all three are those that the extractor sees.
        classes: the K names.
    """
    kinds = [_kinds(seen, asked=generated.labels is not None) for seen in (generated, train, test)]
    features = [seen.features for seen in (generated, train, test)]

    def measure(index: int) -> tuple[dict[str, Any], tuple[float, ...]]:
        ours, real, unseen = (
            rows[kind == index] for rows, kind in zip(features, kinds, strict=True)
        )
        return measure_class(ours, real, unseen, min(DRAWS, plan.baseline_draws))

    with one_thread(), ThreadPoolExecutor(plan.threads) as pool:
        found = list(pool.map(measure, range(len(classes))))
    detail = findings.detail["classes"]
    detail["each"] = [{"class": name, **row} for name, (row, _) in zip(classes, found, strict=True)]
    detail["each_method"] = METHOD.format("predicted" if generated.labels is None else "requested")
    measured = [(row["fd"], draws) for row, draws in found if row["fd"] is not None]
    if not measured:
        findings.leave_out("classes.worst_ratio", "no class has enough images for a distance")
        return
    within = [
        simultaneous(fd["ratio"], fd["ratio_error"], fd["samples"] - 1, len(measured))
        for fd, _ in measured
    ]
    worst = max(fd["ratio"] for fd, _ in measured)
    findings.metrics["classes"]["worst_ratio"] = worst
    detail["worst_ratio"] = worst
    detail["worst_ratio_interval"] = [
        max(0.0, *(one.low for one in within)),
        max(one.high for one in within),
    ]
    relative = [np.divide(draws, fd["baseline"]["mean"]) for fd, draws in measured]
    detail["worst_ratio_baseline"] = float(np.max(relative, axis=0).mean())


def measure_class(
    generated: np.ndarray, train: np.ndarray, test: np.ndarray, draws: int
) -> tuple[dict[str, Any], tuple[float, ...]]:
    """What can be measured of one class, from features (n, d) of its images.

    Returns:
        `samples`, `train_images` and `test_images`; `fd`, `kid` and `prdc`, each None where the
        images are too few, with the reason in `left_out`; and the distances of the real draws.
    """
    row: dict[str, Any] = {
        "samples": len(generated),
        "train_images": len(train),
        "test_images": len(test),
    }
    left_out: dict[str, str] = {}
    real: tuple[float, ...] = ()
    for name, measure in (("fd", _frechet), ("kid", _kernel), ("prdc", _balls)):
        row[name] = None
        try:
            row[name] = measure(generated, train, test, draws)
        except DataError as error:
            left_out[name] = error.what
    if row["fd"] is not None:
        real = tuple(row["fd"]["baseline"].pop("draws"))
    return {**row, **({"left_out": left_out} if left_out else {})}, real


def _kinds(seen: Seen, asked: bool) -> np.ndarray:
    """The classes (N,) of images."""
    if asked and seen.labels is not None:
        return seen.labels
    assert seen.logits is not None
    return np.asarray(seen.logits.argmax(axis=1))


def _frechet(
    generated: np.ndarray, train: np.ndarray, test: np.ndarray, draws: int
) -> dict[str, Any]:
    size = min(len(generated), len(train))
    _require(min(size, len(test)), ROWS_PER_FEATURE * test.shape[1], "a Fréchet distance")
    reference = frechet.moments(test)
    ours = _subset(generated, size, 11)
    value, error = (
        frechet.distance(frechet.moments(ours), reference),
        frechet_error(ours, reference),
    )
    real = frechet.baseline(train, test, size, draws, np.random.default_rng(12))
    if real.mean == 0.0:
        raise DataError("its test images are its training images")
    within = student(value, error, size - 1)
    low, high = max(0.0, within.low), within.high
    return {
        "value": value,
        "error": error,
        "interval": [low, high],
        "baseline": {"mean": real.mean, "spread": real.spread, "draws": real.draws},
        "ratio": value / real.mean,
        "ratio_error": error / real.mean,
        "ratio_interval": [low / real.mean, high / real.mean],
        "samples": size,
    }


def _kernel(generated: np.ndarray, train: np.ndarray, test: np.ndarray, _: int) -> dict[str, Any]:
    _require(min(len(generated), len(train), len(test)), FEWEST_FOR_KERNEL, "a kernel distance")
    size = min(len(generated), len(train), MOST_FOR_KERNEL)
    unseen = _subset(test, MOST_FOR_KERNEL, 13).astype(np.float64)
    (value, error), real = (
        mmd_of_few(_subset(rows, size, 14).astype(np.float64), unseen)
        for rows in (generated, train)
    )
    return {
        "value": value,
        "error": error,
        "interval": student(value, error, size - 1).bounds,
        "samples": size,
        "real": dict(zip(("value", "error"), real, strict=True)),
    }


def _balls(generated: np.ndarray, train: np.ndarray, test: np.ndarray, _: int) -> dict[str, Any]:
    size = min(len(generated), len(train), len(test))
    _require(size, FEWEST_FOR_BALLS, "precision and recall")
    unseen = _subset(test, size, 15)
    found = prdc(_subset(generated, size, 16), unseen, NEIGHBOURS)
    best = prdc(_subset(train, size, 17), unseen, NEIGHBOURS)
    intervals: dict[str, Interval] = {
        "precision": binomial(round(found.precision * size), size),
        "recall": normal(found.recall, found.recall_error).within_shares,
        "coverage": normal(found.coverage, found.coverage_error).within_shares,
    }
    return {
        **{name: getattr(found, name) for name in SHARES},
        **{f"{name}_interval": within.bounds for name, within in intervals.items()},
        "real": {name: getattr(best, name) for name in SHARES},
        "images": size,
    }


def _require(count: int, fewest: int, what: str) -> None:
    if count < fewest:
        raise DataError(f"{count} images of the class are too few for {what}: {fewest} are needed")


def _subset(rows: np.ndarray, size: int, seed: int) -> np.ndarray:
    """`size` random rows, in their order; all of them if there are no more."""
    if size >= len(rows):
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))]
