"""How often the gate refuses an equal model for one of its classes, and finds a lost class.

    python -m benchmarks.classes --json

Method. On the samples, the data and the extractor of the last run (`dvc repro sample`). An equal
model is the same samples drawn again: those of each class are shuffled and halved, and one half is
compared with the other as base and candidate; a perfect model is compared in the same way, by
training images. Rates are shares of `rounds` comparisons in which any class is *worse* beyond a
margin of 0, 5 % and 40 %. Then each class in turn is spoilt in one half: by images of the next
class, by its first image over and over, and by every feature's own spread of values without what
ties them together (shuffled features). `few` is the same with 60 images of each class, too few for
a Fréchet distance, by the kernel distance. `seconds` is what all numbers of all classes take.
"""

import time
from typing import Any

import numpy as np

from benchmarks.harness import command, rounded
from ganflow.base.files import read_array
from ganflow.base.paths import EXTRACTOR, PREPARED, SAMPLES
from ganflow.base.runtime import quiet_start
from ganflow.base.store import open_store
from ganflow.features.blas import one_thread
from ganflow.metrics import frechet
from ganflow.metrics.frechet_error import frechet_error
from ganflow.metrics.kernel import mmd_of_few
from ganflow.metrics.per_class import add_per_class
from ganflow.metrics.suite import Findings, Plan, Seen
from ganflow.versions.class_differences import class_differences
from ganflow.versions.gate import classify_difference

with quiet_start():
    from ganflow.features.extractor import load_extractor
    from ganflow.metrics.sample_evaluation import see

MARGINS = (0.0, 0.05, 0.4)
FEW = 60
ByClass = list[np.ndarray]


class Judge:
    """Compares halves of features of one class each, (n, d), with the test images of it."""

    def __init__(self, train: ByClass, test: ByClass, half: int) -> None:
        self.references = [frechet.moments(rows) for rows in test]
        self.real = [
            frechet.baseline(ours, rows, half, 5, np.random.default_rng(0)).mean
            for ours, rows in zip(train, test, strict=True)
        ]

    def rows(self, halves: ByClass) -> list[dict[str, Any]]:
        found = []
        for rows, reference, real in zip(halves, self.references, self.real, strict=True):
            value = frechet.distance(frechet.moments(rows), reference) / real
            error = frechet_error(rows, reference) / real
            fd = {"ratio": value, "ratio_error": error, "samples": len(rows)}
            found.append({"class": str(len(found)), "samples": len(rows), "fd": fd})
        return found


class JudgeOfFew:
    """The same by the kernel distance."""

    def __init__(self, test: ByClass, images: int) -> None:
        self.references = [rows[:images].astype(np.float64) for rows in test]

    def rows(self, parts: ByClass) -> list[dict[str, Any]]:
        found = []
        for rows, reference in zip(parts, self.references, strict=True):
            value, error = mmd_of_few(rows.astype(np.float64), reference)
            kid = {"value": value, "error": error, "samples": len(rows)}
            found.append({"class": str(len(found)), "samples": len(rows), "kid": kid})
        return found


def worse(base: list[dict[str, Any]], candidate: list[dict[str, Any]], margin: float) -> list[str]:
    """The classes that the gate refuses the candidate for."""
    return [
        one.name
        for one in class_differences([base], [candidate])
        if classify_difference(one.interval, "lower", margin * abs(one.base)) == "worse"
    ]


def spoilt(rows: ByClass, index: int, fault: str, rng: np.random.Generator) -> np.ndarray:
    good = rows[index]
    if fault == "next class":
        other = rows[(index + 1) % len(rows)]
        return other[rng.integers(len(other), size=len(good))]
    if fault == "one image":
        return np.repeat(good[:1], len(good), axis=0)
    return rng.permuted(good, axis=0)


def refusals(
    judge: Judge | JudgeOfFew, images: ByClass, size: int, rounds: int
) -> dict[str, float]:
    """By margin, the share of pairs of equal models that are refused for any class."""
    rng, refused = np.random.default_rng(1), np.zeros(len(MARGINS))
    for _ in range(rounds):
        mixed = [rng.permutation(rows) for rows in images]
        one, other = (judge.rows([rows[at : at + size] for rows in mixed]) for at in (0, size))
        refused += [bool(worse(one, other, margin)) for margin in MARGINS]
    return dict(zip(map(str, MARGINS), (refused / rounds).tolist(), strict=True))


def findings_by_name(judge: Judge | JudgeOfFew, images: ByClass, size: int) -> dict[str, int]:
    """By fault, for how many classes a model with it is refused for that class and no other."""
    rng = np.random.default_rng(2)
    base, good = judge.rows([rows[:size] for rows in images]), [rows[-size:] for rows in images]
    found = {}
    for fault in ("next class", "one image", "shuffled features"):
        found[fault] = 0
        for k in range(len(good)):
            parts = [*good[:k], spoilt(good, k, fault, rng), *good[k + 1 :]]
            found[fault] += worse(base, judge.rows(parts), MARGINS[-1]) == [str(k)]
    return found


def measure(rounds: int = 200) -> dict[str, Any]:
    """Rates of refusal of equal models and of models with one spoilt class, and seconds."""
    store = open_store(PREPARED)
    extractor = load_extractor(EXTRACTOR, store.card["sha256"])
    labels = np.asarray(read_array(SAMPLES / "labels.npy"))
    generated = see(extractor, np.asarray(read_array(SAMPLES / "images.npy")), labels)
    train, test = (see(extractor, s.images, s.labels) for s in map(store.split, ("train", "test")))

    def by_class(seen: Seen) -> ByClass:
        return [seen.features[seen.labels == index] for index in range(len(store.classes))]

    ours, real, unseen = map(by_class, (generated, train, test))
    half = min(map(len, [*ours, *real])) // 2
    judge, few = Judge(real, unseen, half), JudgeOfFew(unseen, FEW)
    found: dict[str, Any] = {"classes": len(store.classes), "half": half, "rounds": rounds}
    with one_thread():
        found["equal"] = refusals(judge, ours, half, rounds)
        found["perfect"] = refusals(judge, real, half, rounds)
        found["spoilt"] = findings_by_name(judge, ours, half)
        found["few"] = {
            "equal": refusals(few, ours, FEW, rounds),
            "spoilt": findings_by_name(few, ours, FEW),
        }
    started, findings = time.monotonic(), Findings({"classes": {}}, {"classes": {}})
    add_per_class(findings, generated, train, test, store.classes, Plan(0, 0, 10))
    ratios = {row["class"]: row["fd"]["ratio"] for row in findings.detail["classes"]["each"]}
    return {**found, "ratios": rounded(ratios), "seconds": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    command(measure, __doc__)
