"""Whether images that have arrived are like those that the model was trained on.

They are compared with held-out images of the prepared set, not with training images: a classifier
knows those that it was trained on, so that their features differ from those of any new image.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ganflow.base.store import Store
from ganflow.data.rejects import printable
from ganflow.incoming.arrivals import Arrivals
from ganflow.incoming.permutation import PermutationTest, kernel_test, shares_test

REFERENCE = 1_000
"""Held-out images of a look, drawn anew for each."""

FEWEST_IMAGES = 50
"""Images from which on a look tests anything: fewer show only what is plain to see."""

FARTHEST = 5.0
"""Standard deviations beyond which pixel statistics are cut, so that none counts alone."""

BLOCK = 4096

Describe = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
"""Features (n, d) of images, and the class that each seems to be of (n,), or None."""


@dataclass(frozen=True)
class Levels:
    """Probabilities with which a look may find a difference where there is none; 0: no test."""

    drift: float = 0.0
    class_share: float = 0.0


@dataclass(frozen=True)
class Drift:
    """What a look at incoming images has found."""

    files: int
    """Images that there would be if every file could be read."""

    images: int
    rejected: float
    """Share of files that `prepare` would not use."""

    copies: float
    """Share of images that are exact copies of prepared ones, or of another incoming one."""

    new_classes: Mapping[str, int]
    """Images of each class that the training set does not have."""

    features: PermutationTest | None = None
    """Of the extractor's features; each of the two is tested at half of the level for drift."""

    pixels: PermutationTest | None = None
    """Of brightness, contrast and sharpness, which a classifier learns to ignore."""

    classes: PermutationTest | None = None
    largest_change: str = ""
    """The class whose share differs most, with both shares, in words."""

    @property
    def drifted(self) -> list[str]:
        """The findings of drift in words; none where no test rejects."""
        named = {"features": self.features, "brightness or sharpness": self.pixels}
        return [
            f"{name} differ from those of held-out real images (kernel distance "
            f"{test.value:.3g}, 95 of 100 random divisions are below {test.usual:.3g}; "
            f"{_chance(test)})"
            for name, test in named.items()
            if test and test.rejects
        ]

    @property
    def shares_changed(self) -> str:
        """The changed mix of classes in words; empty where the test does not reject."""
        if not (self.classes and self.classes.rejects):
            return ""
        return f"{self.largest_change} ({_chance(self.classes)})"

    @property
    def sentence(self) -> str:
        """All that was found, on one line."""
        tested = {"features": self.features, "pixels": self.pixels, "classes": self.classes}
        words = [
            f"{self.images} of {self.files} images can be used",
            f"{self.copies:.1%} are exact copies",
            *(f"{name} {_chance(test)}" for name, test in tested.items() if test),
        ]
        if self.new_classes:
            words.append(f"new classes: {named_classes(self.new_classes)}")
        return "; ".join(words)


def named_classes(counts: Mapping[str, int]) -> str:
    """Classes with how many images each has, in words; the largest ones of many."""
    largest = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{printable(name)[:40]} ({count})" for name, count in largest[:5])
    return shown + (f" and {len(largest) - 5} more" if len(largest) > 5 else "")


def measure_drift(
    arrivals: Arrivals, store: Store, levels: Levels, describe: Callable[[], Describe]
) -> Drift:
    """Compare what has arrived with the prepared set.

    Equal arrivals give equal results: every draw is seeded by their content.

    Args:
        levels: those of this look.
        describe: loads the extractor; called only where a test needs it.
    """
    rng = np.random.default_rng(arrivals.digest)
    images, names = arrivals.images, arrivals.classes
    known = np.isin(names, store.classes) if names is not None else np.ones(len(images), bool)
    new = [] if names is None or not store.classes else names[~known].tolist()
    features = pixels = classes = None
    change = ""
    if len(images) >= FEWEST_IMAGES:
        held_out = held_out_images(store, rng)
        described: Describe | None = None
        if levels.drift or (levels.class_share and names is None):
            described = describe()
        if levels.drift and described:
            half = levels.drift / 2
            features = kernel_test(described(images)[0], described(held_out)[0], half, rng)
            pixels = kernel_test(
                *standardised(*map(pixel_statistics, (images, held_out))), half, rng
            )
        if levels.class_share and store.classes:
            ours, theirs = _counts(images, names, held_out, store, described)
            if ours.sum():
                classes = shares_test(ours, theirs, levels.class_share, rng)
                change = _largest_change(ours, theirs, store.classes)
    return Drift(
        arrivals.files,
        len(images),
        len(arrivals.rejected) / max(1, arrivals.files),
        exact_copies(images, store),
        {name: new.count(name) for name in sorted(set(new))},
        features,
        pixels,
        classes,
        change,
    )


def held_out_images(store: Store, rng: np.random.Generator) -> np.ndarray:
    """Random images that the extractor was not trained on: uint8 (n, h, w, c).

    Those of the test split only where it was drawn from the same images as the training split:
    MNIST's own test digits are by other writers.
    """
    names = ["validation"] if "test" in store.card["official_splits"] else ["validation", "test"]
    splits = [store.split(name).images for name in ("validation", "test") if name in names]
    sizes = [len(split) for split in splits]
    rows = np.sort(rng.choice(sum(sizes), min(REFERENCE, sum(sizes)), replace=False))
    parts, start = [], 0
    for split, size in zip(splits, sizes, strict=True):
        parts.append(split[rows[(rows >= start) & (rows < start + size)] - start])
        start += size
    return np.concatenate(parts)


def standardised(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of rows, each column in standard deviations of both sets together.

    Of both, so that it does not depend on which image is in which set.
    """
    rows = np.concatenate([ours, theirs])
    rows = (rows - rows.mean(0)) / (rows.std(0) + 1e-6)
    first, second = np.split(np.clip(rows, -FARTHEST, FARTHEST), [len(ours)])
    return first, second


def pixel_statistics(images: np.ndarray) -> np.ndarray:
    """Brightness, contrast and sharpness of uint8 images (n, h, w, c): float32 (n, c + 6)."""
    values = images.astype(np.float32) / 255
    over = (1, 2, 3)
    first = [np.abs(np.diff(values, axis=axis)).mean(over) for axis in (1, 2)]
    second = [np.abs(np.diff(values, 2, axis=axis)).mean(over) for axis in (1, 2)]
    shares = [(images <= 2).mean(over), (images >= 253).mean(over)]
    rows = [*values.mean((1, 2)).T, values.std(over), *shares, *first, sum(second)]
    return np.stack(rows, axis=1).astype(np.float32)


def exact_copies(images: np.ndarray, store: Store) -> float:
    """The share of images that are also in the prepared set, or a second time among themselves."""
    if not len(images):
        return 0.0
    hashes = list(_hashes(images))
    wanted, known = set(hashes), set[bytes]()
    for name in store.card["splits"]:
        known |= wanted.intersection(_hashes(store.split(name).images))
    distinct = len(wanted - known)
    return 1 - distinct / len(hashes)


def _hashes(images: np.ndarray) -> Iterator[bytes]:
    for start in range(0, len(images), BLOCK):
        for image in np.asarray(images[start : start + BLOCK]):
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _counts(
    images: np.ndarray,
    names: np.ndarray | None,
    held_out: np.ndarray,
    store: Store,
    described: Describe | None,
) -> tuple[np.ndarray, np.ndarray]:
    """How many images each class has, of what has arrived and of the prepared set: (K,) each.

    By the folders they are in; without those, by what the extractor takes each for.
    """
    size = len(store.classes)
    if names is None:
        seen = [described(part)[1] for part in (images, held_out)] if described else []
        ours, theirs = (np.bincount(one, minlength=size) for one in seen if one is not None)
        return ours, theirs
    places = {name: place for place, name in enumerate(store.classes)}
    labels = [places[name] for name in names.tolist() if name in places]
    # `data.balance` changes the shares of the training split alone.
    trained = np.array(store.card["class_counts"]["train"])
    if store.card.get("left_out", {}).get("by_balance"):
        trained = np.array(store.card["class_counts"]["validation"])
    return np.bincount(labels, minlength=size), trained


def _largest_change(ours: np.ndarray, theirs: np.ndarray, classes: tuple[str, ...]) -> str:
    shares, before = ours / ours.sum(), theirs / theirs.sum()
    place = int(np.abs(shares - before).argmax())
    return (
        f"class {printable(classes[place])[:40]} is {shares[place]:.1%} of what has arrived "
        f"and {before[place]:.1%} of the prepared images"
    )


def _chance(test: PermutationTest) -> str:
    return f"p = {test.p:.2g} at level {test.level:.2g}"
