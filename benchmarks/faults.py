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

from benchmarks.harness import options_of, rounded, show
from ganflow.base.paths import PREPARED
from ganflow.base.runtime import quiet_start
from ganflow.base.store import Split, Store, open_store
from ganflow.metrics.suite import Findings, Plan, Seen, measure

with quiet_start():
    from ganflow.features.classifier import Lessons
    from ganflow.features.extractor import Extractor, train_extractor

TRAIN, SAMPLES, FEATURES = 10_000, 2_000, 64
LESSONS = Lessons(seed=0, epochs=2, batch=128, learning_rate=0.002, bfloat16=False)


def faults(train: Split, validation: Split) -> Iterator[tuple[str, np.ndarray]]:
    """Each fault's name and its images (SAMPLES, h, w, c) uint8."""
    images = validation.images[:SAMPLES]
    yield "none", images
    if validation.labels is not None:
        kept = validation.labels != np.bincount(validation.labels).argmax()
        yield "a class dropped", validation.images[kept][:SAMPLES]
    yield "copies", train.images[:SAMPLES]
    blurred = gaussian_filter(images.astype(float), (0, 1.2, 1.2, 0))
    yield "blur", np.round(blurred).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 40, images.shape)
    yield "noise", np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def first(split: Split, count: int) -> Split:
    labels = None if split.labels is None else split.labels[:count]
    return Split(np.asarray(split.images[:count]), labels)


def numbers(found: Findings) -> dict[str, float]:
    """What a fault moves, distances in their baselines and kernel distances in standard errors."""
    metrics, kid = found.metrics, found.detail["kid"]
    return rounded(
        {
            "fd_ratio": metrics["fd"]["ratio"],
            "kid_errors": kid["value"] / kid["error"],
            **{name: metrics["prdc"][name] for name in ("precision", "recall", "coverage")},
            "ct": metrics["memorization"]["ct"],
        }
    )


def separation(store: Store, labelled: bool) -> dict[str, dict[str, float]]:
    """The numbers of each fault under an extractor that saw the labels, or saw none."""
    train, validation, test = (
        first(store.split(name), count)
        for name, count in (("train", TRAIN), ("validation", 2 * SAMPLES), ("test", SAMPLES))
    )
    extractor: Extractor = train_extractor(
        train.images,
        train.labels if labelled else None,
        store.classes if labelled else (),
        FEATURES,
        LESSONS,
        source=store.card["sha256"],
    )

    def see(images: np.ndarray) -> Seen:
        return Seen(extractor.describe(images).features)

    sets = [see(images) for images in (train.images, validation.images[:SAMPLES], test.images)]
    plan = Plan(SAMPLES, resamples=20, baseline_draws=4)
    return {
        name: numbers(measure(see(images), *sets, plan))
        for name, images in faults(train, validation)
    }


def main() -> None:
    options = options_of(__doc__).parse_args()
    store = open_store(PREPARED)
    found = {"without labels": separation(store, labelled=False)}
    if store.classes:
        found = {"with labels": separation(store, labelled=True), **found}
    show(found, options)


if __name__ == "__main__":
    main()
