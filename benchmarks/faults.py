"""What planted faults do to the numbers, under features learnt with labels and without.

    python -m benchmarks.faults --json

Method. On the prepared data (`dvc repro prepare`) two extractors are trained on 10,000 training
images, one with the labels and one that supervises itself. 2,000 real validation images are
spoilt in five ways and judged against 2,000 test images as samples would be: with the commonest
class left out, copied from the training images, blurred (σ = 1.2 pixels), with noise (σ = 40 of
255), and not at all. `tests/metrics/test_faults.py` holds which family each must move.
"""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.harness import command, rounded
from ganflow.base.paths import PREPARED
from ganflow.base.runtime import quiet_start
from ganflow.base.store import Split, Store, open_store
from ganflow.metrics.suite import Plan, Seen
from ganflow.metrics.suite import measure as measure_samples

with quiet_start():
    from ganflow.features.classifier import Lessons
    from ganflow.features.extractor import train_extractor

TRAIN, SAMPLES, FEATURES = 10_000, 2_000, 64
LESSONS = Lessons(seed=0, epochs=2, batch=128, learning_rate=0.002, bfloat16=False)


def faults(train: Split, validation: Split) -> Iterator[tuple[str, np.ndarray]]:
    """Each fault's name and its images (SAMPLES, h, w, c) uint8."""
    images = validation.images[:SAMPLES]
    yield "none", images
    if validation.labels is not None:
        labels = validation.labels[: 2 * SAMPLES]
        kept = np.flatnonzero(labels != np.bincount(labels).argmax())[:SAMPLES]
        yield "a class dropped", validation.images[kept]
    yield "copies", train.images[:SAMPLES]
    blurred = gaussian_filter(images.astype(float), (0, 1.2, 1.2, 0))
    yield "blur", np.round(blurred).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 40, images.shape)
    yield "noise", np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def measure() -> dict[str, dict[str, dict[str, float]]]:
    """The numbers of each fault under an extractor that saw the labels, and one that saw none."""
    store = open_store(PREPARED)
    found = {"with labels": separation(store, labelled=True)} if store.classes else {}
    return {**found, "without labels": separation(store, labelled=False)}


def separation(store: Store, labelled: bool) -> dict[str, dict[str, float]]:
    train, validation, test = map(store.split, ("train", "validation", "test"))
    extractor = train_extractor(
        train.images[:TRAIN],
        train.labels[:TRAIN] if labelled else None,
        store.classes if labelled else (),
        FEATURES,
        LESSONS,
        source=store.card["sha256"],
    )

    def see(images: np.ndarray) -> Seen:
        return Seen(extractor.describe(images).features)

    real = (train.images[:TRAIN], validation.images[:SAMPLES], test.images[:SAMPLES])
    sets = [see(images) for images in real]
    plan = Plan(SAMPLES, resamples=20, baseline_draws=4)
    found = {}
    for name, images in faults(train, validation):
        measured = measure_samples(see(images), *sets, plan)
        metrics, kid = measured.metrics, measured.detail["kid"]
        # distances in their baselines, kernel distances in standard errors
        found[name] = rounded(
            {
                "fd_ratio": metrics["fd"]["ratio"],
                "kid_errors": kid["value"] / kid["error"],
                **{name: metrics["prdc"][name] for name in ("precision", "recall", "coverage")},
                "ct": metrics["memorization"]["ct"],
            }
        )
    return found


if __name__ == "__main__":
    command(measure, __doc__)
