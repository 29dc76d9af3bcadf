"""Each class by itself: independent computations, planted faults, and too few images."""

from typing import Any

import numpy as np
import pytest
from scipy import linalg
from scipy.spatial.distance import cdist

from ganflow.metrics.per_class import add_per_class
from ganflow.metrics.suite import Findings, Plan, Seen

NAMES = ("a", "b", "c")
D = 6
PLAN = Plan(samples=0, resamples=0, baseline_draws=5)


def draw(rng: np.random.Generator, each: int, counts: tuple[int, ...] = (1, 1, 1)) -> Seen:
    """Three normal classes apart from each other, with logits that know them."""
    labels = np.repeat(np.arange(3), np.multiply(counts, each))
    features = 4.0 * np.eye(3, D)[labels] + rng.normal(size=(len(labels), D))
    return Seen(features.astype(np.float32), 10.0 * np.eye(3)[labels], labels)


def changed(seen: Seen, index: int, rows: np.ndarray) -> Seen:
    features = seen.features.copy()
    features[seen.labels == index] = rows
    return Seen(features, seen.logits, seen.labels)


def measure(generated: Seen, train: Seen, test: Seen, plan: Plan = PLAN) -> Findings:
    findings = Findings({"classes": {}}, {"classes": {}})
    add_per_class(findings, generated, train, test, NAMES, plan)
    return findings


def rows_of(findings: Findings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = findings.detail["classes"]["each"]
    return found


@pytest.fixture(scope="module")
def sets() -> tuple[Seen, Seen, Seen]:
    rng = np.random.default_rng(0)
    return draw(rng, 200), draw(rng, 900), draw(rng, 180)


def test_the_numbers_of_a_class_are_those_of_its_images_alone(
    sets: tuple[Seen, Seen, Seen],
) -> None:
    rows = rows_of(measure(*sets))
    assert [row["class"] for row in rows] == list(NAMES)
    ours, real, unseen = (seen.features[seen.labels == 1].astype(float) for seen in sets)

    def frechet(a: np.ndarray, b: np.ndarray) -> float:
        between = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
        shift = a.mean(axis=0) - b.mean(axis=0)
        return float(shift @ shift + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * between))

    fd, prdc = rows[1]["fd"], rows[1]["prdc"]
    assert fd["value"] == pytest.approx(frechet(ours, unseen), rel=1e-6)
    rng = np.random.default_rng(1)
    draws = [frechet(rng.permutation(real)[:200], unseen) for _ in range(200)]
    assert fd["baseline"]["mean"] == pytest.approx(np.mean(draws), abs=3 * np.std(draws) / 5**0.5)
    assert fd["ratio"] == pytest.approx(fd["value"] / fd["baseline"]["mean"], rel=1e-12)
    assert fd["interval"][0] < fd["value"] < fd["interval"][1]

    assert (fd["samples"], prdc["images"], rows[1]["test_images"]) == (200, 180, 180)
    kept = np.sort(np.random.default_rng(16).choice(200, 180, replace=False))
    between = cdist(ours[kept], unseen)
    radius = np.sort(cdist(unseen, unseen), axis=1)[:, 5]
    own = np.sort(cdist(ours[kept], ours[kept]), axis=1)[:, 5]
    assert prdc["precision"] == np.mean((between < radius).any(axis=1))
    assert prdc["coverage"] == np.mean((between < radius).any(axis=0))
    assert prdc["recall"] == np.mean((between < own[:, None]).any(axis=0))
    for name in ("precision", "recall", "coverage"):
        low, high = prdc[f"{name}_interval"]
        assert low < prdc[name] < high or prdc[name] in (low, high)


def test_the_kernel_distance_of_a_class_is_the_unbiased_estimate(
    sets: tuple[Seen, Seen, Seen],
) -> None:
    generated = changed(sets[0], 2, sets[0].features[sets[0].labels == 2] + 1.0)
    kid = rows_of(measure(generated, *sets[1:]))[2]["kid"]
    x, y = (seen.features[seen.labels == 2].astype(float) for seen in (generated, sets[2]))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray((a @ b.T / D + 1.0) ** 3)

    def within(a: np.ndarray) -> float:
        found = kernel(a, a)
        return float((found.sum() - np.trace(found)) / (len(a) * (len(a) - 1)))

    whole = within(x) + within(y) - 2.0 * kernel(x, y).mean()
    assert kid["value"] == pytest.approx(whole, rel=1e-6)
    assert kid["value"] > 3 * kid["error"]
    assert kid["interval"][0] < kid["value"] < kid["interval"][1]


def test_real_images_are_near_their_baseline_in_every_class(
    sets: tuple[Seen, Seen, Seen],
) -> None:
    findings = measure(*sets)
    assert all(0.5 < row["fd"]["ratio"] < 1.6 for row in rows_of(findings))
    worst = findings.metrics["classes"]["worst_ratio"]
    assert worst == max(row["fd"]["ratio"] for row in rows_of(findings))
    low, high = findings.detail["classes"]["worst_ratio_interval"]
    assert low < worst < high
    assert 1.0 < findings.detail["classes"]["worst_ratio_baseline"] < 1.6


@pytest.mark.parametrize("fault", ["another class", "noise", "one image", "blurred"])
def test_a_planted_fault_is_found_in_its_class_alone(
    sets: tuple[Seen, Seen, Seen], fault: str
) -> None:
    generated = sets[0]
    good = generated.features[generated.labels == 1]
    rows = {
        "another class": generated.features[generated.labels == 0],
        "noise": np.random.default_rng(3).normal(0, 6, good.shape),
        "one image": np.broadcast_to(good[:1], good.shape),
        "blurred": good.mean(axis=0) + 0.6 * (good - good.mean(axis=0)),
    }[fault]
    real, spoilt = rows_of(measure(*sets)), measure(changed(generated, 1, rows), *sets[1:])
    found = rows_of(spoilt)
    assert found[1]["fd"]["ratio_interval"][0] > 3.0
    assert spoilt.metrics["classes"]["worst_ratio"] == found[1]["fd"]["ratio"]
    assert [found[0], found[2]] == [real[0], real[2]]
    shares = found[1]["prdc"]
    if fault in ("another class", "noise"):
        assert shares["precision"] < 0.2
    if fault == "one image":
        assert shares["recall"] == 0.0
        assert shares["coverage"] < 0.2


@pytest.mark.parametrize(
    ("each", "measured"),
    [
        (150, {"fd", "kid", "prdc"}),
        (60, {"fd", "kid"}),
        (30, {"fd", "kid"}),
        (15, {"fd"}),
        (11, set()),
        (1, set()),
        (0, set()),
    ],
)
def test_what_too_few_images_cannot_show_is_null_with_a_reason(
    sets: tuple[Seen, Seen, Seen], each: int, measured: set[str]
) -> None:
    findings = measure(draw(np.random.default_rng(4), each), *sets[1:])
    for row in rows_of(findings):
        assert {name for name in ("fd", "kid", "prdc") if row[name] is not None} == measured
        assert set(row.get("left_out", {})) == {"fd", "kid", "prdc"} - measured
        assert all(f"{each} images" in why for why in row.get("left_out", {}).values())
    assert ("worst_ratio" in findings.metrics["classes"]) is ("fd" in measured)
    assert ("classes.worst_ratio" in findings.detail.get("left_out", {})) is ("fd" not in measured)


def test_few_images_for_many_features_have_a_kernel_distance_only() -> None:
    rng = np.random.default_rng(5)
    generated, train, test = (draw(rng, each) for each in (60, 80, 60))
    wide = [
        Seen(np.hstack([one.features, rng.normal(size=(len(one), 40))]), one.logits, one.labels)
        for one in (changed(generated, 1, rng.normal(0, 6, (60, D))), train, test)
    ]
    rows = rows_of(measure(*wide))
    assert [row["fd"] for row in rows] == [None] * 3
    assert "92 are needed" in rows[0]["left_out"]["fd"]
    assert rows[1]["kid"]["interval"][0] > 0.0
    assert rows[0]["kid"]["interval"][0] < rows[0]["kid"]["real"]["value"] + 0.5


def test_without_requests_a_class_is_what_the_extractor_sees(
    sets: tuple[Seen, Seen, Seen],
) -> None:
    free = Seen(sets[0].features, sets[0].logits)
    findings = measure(free, *sets[1:])
    assert rows_of(findings) == rows_of(measure(*sets))
    assert "predicted class" in findings.detail["classes"]["each_method"]
    none_of_b = Seen(free.features, np.delete(10.0 * np.eye(3)[[0, 2] * 300], [], axis=0))
    assert rows_of(measure(none_of_b, *sets[1:]))[1]["samples"] == 0


def test_a_test_split_of_training_images_has_no_ratio(sets: tuple[Seen, Seen, Seen]) -> None:
    row = rows_of(measure(sets[0], sets[2], sets[2]))[0]
    assert row["fd"] is None
    assert "training images" in row["left_out"]["fd"]


def test_the_number_of_threads_changes_nothing(sets: tuple[Seen, Seen, Seen]) -> None:
    one, two = (measure(*sets, Plan(0, 0, 5, threads=threads)) for threads in (1, 2))
    assert (one.metrics, one.detail) == (two.metrics, two.detail)


def test_the_worst_ratios_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(6)
    train, test = draw(rng, 600), draw(rng, 150)
    found = [measure(draw(rng, 80), train, test) for _ in range(120)]
    truth = max(np.mean([[row["fd"]["ratio"] for row in rows_of(one)] for one in found], axis=0))
    held = [
        low <= truth <= high
        for low, high in (one.detail["classes"]["worst_ratio_interval"] for one in found)
    ]
    assert 0.90 <= np.mean(held) <= 1.0
