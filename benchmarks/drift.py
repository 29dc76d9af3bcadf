"""How often a watched folder alarms without a drift, and after how many images with one.

    python -m benchmarks.drift --json

Method. On the prepared data and its extractor (`dvc repro extractor`), images arrive that are drawn
from the held-out ones, each look has the trigger `{drift: true, class_share: true}`, and levels
accrue as in `ganflow.incoming.trigger`. The looks measure the newest 500 images that have arrived
since the last alarm, as the flow does. Arrivals and reference are drawn from two halves of the
held-out images, which are divided anew each year; the reference is drawn anew for each look.

False alarms, in years in which nothing drifts. `years` years of a look a day, with 10 new images
each, at the level of one false alarm a year for each trigger instead of a half, so that there is
something to count: at most two a year should be. 50 images are measured there against 100, since
looks of 500 against 1,000 would take a hundred times as long. And `busy` years of a look every ten
minutes, with 5 new images each, at the levels of `true`, by the test of classes alone, which takes
a millisecond: at most a half a year. `share_of_p` is how many p-values are at most a bound, which
should be about that many.

Drifts: brightness × 0.8, a blur of 0.7 pixels or JPEG of quality 50 of every image; a class three
times as frequent; a fifth, or a tenth, of the images of a class that the extractor was never shown,
in no folder of its own (where it has one, `new_class` finds the first image). For each, how many
images had arrived when it was found, by looks every ten minutes with 50 new images each, in
`rounds` rounds.
"""

import io
from collections import Counter
from collections.abc import Iterator
from copy import copy
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.harness import command, rounded
from ganflow.base.paths import EXTRACTOR, PREPARED
from ganflow.base.runtime import RuntimeParams, configure, has_bfloat16, quiet_start
from ganflow.base.store import Store, open_store
from ganflow.incoming.drift import FEWEST_IMAGES, REFERENCE, Levels, pixel_statistics, standardised
from ganflow.incoming.permutation import PermutationTest, kernel_test, shares_test
from ganflow.incoming.trigger import YEAR, Trigger
from ganflow.orchestration.look_process import WINDOW

with quiet_start():
    from ganflow.features.classifier import Lessons
    from ganflow.features.extractor import Extractor, load_extractor, train_extractor

DAY, TEN_MINUTES = 86400.0, 600.0
MOST_IMAGES = 1_000
BOUNDS = (0.1, 0.01)
TRAIN, FEATURES = 10_000, 64


class Pool:
    """What a look reads of some images: features, pixel statistics, and classes as predicted."""

    def __init__(self, images: np.ndarray, extractor: Extractor) -> None:
        described = extractor.describe(np.ascontiguousarray(images))
        self.features, self.pixels = described.features, pixel_statistics(images)
        self.classes = described.logits.argmax(1)
        self.names = described.logits.shape[1]

    def look(
        self,
        ours: np.ndarray,
        reference: "Pool",
        levels: Levels,
        rng: np.random.Generator,
        size: int = REFERENCE,
    ) -> Iterator[tuple[str, PermutationTest]]:
        """The three tests of rows of this pool, the quickest first."""
        half = levels.drift / 2
        theirs = rng.choice(len(reference.pixels), size, replace=False)
        here, there = self.classes[ours], reference.classes[theirs]
        counts = np.bincount(here, minlength=self.names), np.bincount(there, minlength=self.names)
        yield "classes", shares_test(*counts, levels.class_share, rng)
        pixels = standardised(self.pixels[ours], reference.pixels[theirs])
        yield "pixels", kernel_test(*pixels, half, rng)
        yield "features", kernel_test(self.features[ours], reference.features[theirs], half, rng)

    def halves(self, rng: np.random.Generator) -> tuple["Pool", "Pool"]:
        """This pool's images, divided at random."""
        parts = np.array_split(rng.permutation(len(self.pixels)), 2)
        first, second = copy(self), copy(self)
        for half, rows in ((first, parts[0]), (second, parts[1])):
            half.features, half.pixels = self.features[rows], self.pixels[rows]
            half.classes = self.classes[rows]
        return first, second


def quiet_years(
    pool: Pool,
    trigger: Trigger,
    years: int,
    seconds: float,
    sizes: tuple[int, int, int],
    rng: np.random.Generator,
    tests: int = 3,
) -> dict[str, Any]:
    """Alarms of years of looks at images that are all from one distribution.

    Args:
        sizes: how many images are new at each look, measured, and compared with.
        tests: how many, the quickest first.
    """
    new, most, size = sizes
    alarms, found, levels = Counter[str](), [], trigger.levels(seconds)
    for _ in range(years):
        arriving, reference = pool.halves(rng)
        window = np.empty(0, int)
        for look in range(int(YEAR / seconds)):
            # Round and round in a random order: an image twice in a window would be a drift.
            arrived = np.arange(look * new, (look + 1) * new) % len(arriving.pixels)
            window = np.concatenate([window, arrived])[-most:]
            if len(window) < FEWEST_IMAGES:
                continue
            seen = dict(islice(arriving.look(window, reference, levels, rng, size), tests))
            found.append([test.p for test in seen.values()])
            rejected = [name for name, test in seen.items() if test.rejects]
            alarms.update(rejected)
            if rejected:
                alarms["any"] += 1
                window = np.empty(0, int)
    shares = {f"share_of_p_{bound:g}": (np.array(found) <= bound).mean() for bound in BOUNDS}
    counted = {f"alarms_{name}": count for name, count in sorted(alarms.items())}
    return {"years": years, "looks": len(found), **counted, **rounded(shares)}


def images_until_found(
    arriving: Pool, reference: Pool, levels: Levels, rng: np.random.Generator
) -> int:
    """How many images had arrived when a look found it; the number of all and 1 if none did."""
    for count in range(FEWEST_IMAGES, len(arriving.pixels) + 1, FEWEST_IMAGES):
        ours = np.arange(max(0, count - WINDOW), count)
        if any(test.rejects for _, test in arriving.look(ours, reference, levels, rng)):
            return count
    return len(arriving.pixels) + 1


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """An image (h, w, c) after compression."""
    stream = io.BytesIO()
    Image.fromarray(image.squeeze()).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream)).reshape(image.shape)


def share_of(label: int, share: float, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most `MOST_IMAGES` rows in random order, of which a share is of one class."""
    inside = rng.permutation(np.flatnonzero(labels == label))
    outside = rng.permutation(np.flatnonzero(labels != label))
    count = min(MOST_IMAGES, int(len(inside) / share), int(len(outside) / (1 - share)))
    chosen = round(share * count)
    return rng.permutation(np.concatenate([inside[:chosen], outside[: count - chosen]]))


def planted(
    images: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Each drift's name and its images."""
    some = images[:MOST_IMAGES]
    blurred = gaussian_filter(some.astype(float), (0, 0.7, 0.7, 0))
    common = int(np.bincount(labels).argmax())
    yield "none", some
    yield "brightness", np.round(some * 0.8).astype(np.uint8)
    yield "blur", np.round(blurred).astype(np.uint8)
    yield "jpeg", np.stack([jpeg(image, 50) for image in some])
    yield "class mix", images[share_of(common, 3 * (labels == common).mean(), labels, rng)]


def drifts(
    store: Store, extractor: Extractor, rounds: int, rng: np.random.Generator
) -> dict[str, list[int]]:
    """For each planted drift, after how many images each round has found it."""
    images, labels = held_out(store)
    levels = Trigger(drift=True, class_share=True).levels(TEN_MINUTES)
    found: dict[str, list[int]] = {}
    last = int(labels.max())
    without = trained_without(last, store)
    for _ in range(rounds):
        ours, theirs = np.array_split(rng.permutation(len(images)), 2)
        reference = Pool(images[theirs], extractor)
        for name, arriving in planted(images[ours], labels[ours], rng):
            until = images_until_found(Pool(arriving, extractor), reference, levels, rng)
            found.setdefault(name, []).append(until)
        known = Pool(images[theirs[labels[theirs] != last]], without)
        for name, share in (("new class, a fifth", 0.2), ("new class, a tenth", 0.1)):
            arriving = images[ours][share_of(last, share, labels[ours], rng)]
            until = images_until_found(Pool(arriving, without), known, levels, rng)
            found.setdefault(name, []).append(until)
    return found


def trained_without(label: int, store: Store) -> Extractor:
    """A small extractor that has not been shown the last class."""
    train = store.split("train")
    assert train.labels is not None
    rows = np.flatnonzero(train.labels != label)[:TRAIN]
    return train_extractor(
        train.images[rows],
        train.labels[rows],
        store.classes[:label],
        FEATURES,
        Lessons(0, 4, 128, 0.002, has_bfloat16(), False),
        source=store.card["sha256"],
    )


def held_out(store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Images that the extractor was not trained on, as a look takes them, and their classes."""
    names = ["validation"] if "test" in store.card["official_splits"] else ["validation", "test"]
    splits = [store.split(name) for name in ("validation", "test") if name in names]
    labels = [split.labels for split in splits if split.labels is not None]
    return np.concatenate([split.images for split in splits]), np.concatenate(labels)


def measure(years: int = 40, busy: int = 1, rounds: int = 3) -> dict[str, Any]:
    """False alarms of years without a drift, and the images until each planted drift is found."""
    configure(RuntimeParams())
    store, rng = open_store(PREPARED), np.random.default_rng(0)
    extractor = load_extractor(EXTRACTOR, store.card["sha256"])
    found: dict[str, Any] = {}
    if rounds:
        found["images_until_found"] = drifts(store, extractor, rounds, rng)
    pool = Pool(held_out(store)[0], extractor)
    if busy:
        usual, sizes = Trigger(drift=True, class_share=True), (5, WINDOW, REFERENCE)
        quiet = quiet_years(pool, usual, busy, TEN_MINUTES, sizes, rng, tests=1)
        found["a_look_every_ten_minutes"] = quiet
    if years:
        daily, sizes = Trigger(drift=1.0, class_share=1.0), (10, FEWEST_IMAGES, 100)
        found["a_look_a_day"] = quiet_years(pool, daily, years, DAY, sizes, rng)
    return found


if __name__ == "__main__":
    command(measure, __doc__)
