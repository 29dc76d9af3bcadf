"""Planted faults on real digits: each must move the family that is meant to catch it.

Under the classifier's features, and under those of the extractor that saw no label.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ganflow.config.gate import GateParams
from ganflow.features.classifier import Lessons
from ganflow.features.extractor import Extractor, accuracy, train_extractor
from ganflow.metrics.per_class import add_per_class
from ganflow.metrics.suite import Findings, Plan, Seen, measure
from ganflow.versions.gate import Measured, decide

SAMPLES = 2_000
Look = Callable[[np.ndarray, np.ndarray | None], Findings]


@dataclass(frozen=True)
class Bench:
    extractor: Extractor
    measure: Look
    real: Findings


def bench(digits, labelled: bool) -> Bench:  # type: ignore[no-untyped-def]
    lessons = Lessons(seed=0, epochs=2, batch=128, learning_rate=0.002, bfloat16=False)
    train = digits.train
    extractor = train_extractor(
        train.images,
        train.labels if labelled else None,
        tuple("0123456789") if labelled else (),
        64,
        lessons,
        source="digits",
    )

    def see(images: np.ndarray, labels: np.ndarray | None) -> Seen:
        found = extractor.describe(images)
        return Seen(found.features, found.logits if labelled else None, labels)

    sets = [see(split.images, split.labels) for split in (train, digits.validation, digits.test)]
    plan = Plan(samples=SAMPLES, resamples=20, baseline_draws=4)

    def look(images: np.ndarray, labels: np.ndarray | None = None) -> Findings:
        generated, (train, _, test) = see(images, labels), sets
        findings = measure(generated, *sets, plan)
        if labelled:
            add_per_class(findings, generated, train, test, extractor.classes, plan)
        return findings

    return Bench(extractor, look, look(digits.validation.images, digits.validation.labels))


@pytest.fixture(scope="session")
def labelled(digits) -> Bench:  # type: ignore[no-untyped-def]
    return bench(digits, labelled=True)


@pytest.fixture(scope="session")
def unlabelled(digits) -> Bench:  # type: ignore[no-untyped-def]
    return bench(digits, labelled=False)


@pytest.fixture(params=["labelled", "unlabelled"])
def either(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(request.param)
    return found


def test_the_extractors_learn_their_tasks(digits, labelled: Bench, unlabelled: Bench) -> None:  # type: ignore[no-untyped-def]
    test = digits.test
    assert accuracy(labelled.extractor, test.images, test.labels) > 0.93
    # 0, 1 and 8 look alike upside down
    assert 0.8 < accuracy(unlabelled.extractor, test.images, None) < 0.99


def test_real_against_real_is_at_its_baseline(either: Bench) -> None:
    found = either.real
    assert 0.4 < found.metrics["fd"]["ratio"] < 1.6
    kid, prdc = found.detail["kid"], found.detail["prdc"]
    assert abs(kid["value"] - kid["real"]["value"]) < 4 * np.hypot(
        kid["error"], kid["real"]["error"]
    )
    for name in ("precision", "recall", "density", "coverage"):
        assert prdc[name] == pytest.approx(prdc["real"][name], abs=0.06)
    assert found.metrics["memorization"]["ct"] > -4
    assert "doubts" not in found.detail
    if "classes" in found.metrics:
        assert found.metrics["classes"]["kl"] < 6 * found.detail["classes"]["kl_baseline"]
        assert found.metrics["classes"]["label_accuracy"] > 0.93


def test_without_labels_what_needs_them_is_absent(unlabelled: Bench) -> None:
    assert "classes" not in unlabelled.real.metrics
    assert "classes" not in unlabelled.real.detail
    assert {"fd", "kid", "prdc", "memorization"} == set(unlabelled.real.metrics)


def test_a_dropped_class_moves_coverage_the_distances_and_the_classes(
    digits, either: Bench
) -> None:  # type: ignore[no-untyped-def]
    train = digits.train
    held = train.labels != 4
    found = either.measure(train.images[held][:SAMPLES], train.labels[held][:SAMPLES])
    prdc, real = found.metrics["prdc"], found.detail["prdc"]["real"]
    assert found.metrics["fd"]["low"] > 2 * found.metrics["fd"]["baseline"]
    assert real["coverage"] - prdc["coverage"] > 0.025
    if "classes" in found.metrics:
        assert found.metrics["classes"]["kl"] > 20 * found.detail["classes"]["kl_baseline"]


def test_a_copying_generator_moves_the_memorization(digits, either: Bench) -> None:  # type: ignore[no-untyped-def]
    found = either.measure(digits.train.images[:SAMPLES], digits.train.labels[:SAMPLES])
    memorization, real = found.metrics["memorization"], found.detail["memorization"]["real"]
    assert memorization["ct"] < -20
    assert memorization["authenticity"] == 0.0
    assert real["authenticity"] > 0.3
    assert "nearer to training images" in found.detail["doubts"][0]
    if "classes" in found.metrics:
        assert memorization["fd_gap"] < real["fd_gap"]
    # and nothing else: to every other family copies look perfect
    assert found.metrics["fd"]["ratio"] < 1.6


def test_a_blurring_generator_moves_the_distances(digits, either: Bench) -> None:  # type: ignore[no-untyped-def]
    images = digits.validation.images
    blurred = np.round(gaussian_filter(images.astype(float), (0, 1.2, 1.2, 0))).astype(np.uint8)
    found = either.measure(blurred, digits.validation.labels)
    assert found.metrics["fd"]["low"] > 3 * found.metrics["fd"]["baseline"]
    assert found.metrics["fd"]["infinity"] > 3 * found.metrics["fd"]["baseline"]
    assert found.metrics["kid"]["value"] > 5 * found.detail["kid"]["error"]


def test_a_noisy_generator_moves_distances_and_coverage(digits, either: Bench) -> None:  # type: ignore[no-untyped-def]
    noise = np.random.default_rng(0).normal(0, 40, digits.validation.images.shape)
    noisy = np.clip(np.round(digits.validation.images + noise), 0, 255).astype(np.uint8)
    found = either.measure(noisy, digits.validation.labels)
    assert found.metrics["fd"]["low"] > 3 * found.metrics["fd"]["baseline"]
    prdc, real = found.metrics["prdc"], found.detail["prdc"]["real"]
    assert real["recall"] - prdc["recall"] > 0.02
    assert real["coverage"] - prdc["coverage"] > 0.02
    assert found.metrics["kid"]["value"] > 5 * found.detail["kid"]["error"]


@pytest.mark.parametrize("fault", ["another class", "noise", "one image", "blur"])
def test_a_fault_in_one_class_is_found_there_and_refused_by_its_name(
    digits, labelled: Bench, fault: str
) -> None:  # type: ignore[no-untyped-def]
    split = digits.validation
    images, sevens = split.images.copy(), np.flatnonzero(split.labels == 7)
    if fault == "another class":
        ones = split.images[split.labels == 1]
        images[sevens] = ones[np.arange(len(sevens)) % len(ones)]
    elif fault == "noise":
        images[sevens] = np.random.default_rng(0).integers(0, 256, images[sevens].shape)
    elif fault == "one image":
        images[sevens] = images[sevens[0]]
    else:
        images[sevens] = np.round(gaussian_filter(images[sevens].astype(float), (0, 1.5, 1.5, 0)))
    found = labelled.measure(images, split.labels)
    ratios = {row["class"]: row["fd"]["ratio"] for row in found.detail["classes"]["each"]}
    assert max(ratios, key=lambda name: ratios[name]) == "7"
    assert found.metrics["classes"]["worst_ratio"] == ratios.pop("7") > 3
    assert max(ratios.values()) < 2
    gate = GateParams(limits={}, compare={}, margin=0.4)
    real, spoilt = (Measured(one.metrics, one.detail) for one in (labelled.real, found))
    assert decide(gate, [real], [real]).passed
    (refused,) = decide(gate, [real], [spoilt]).rows
    assert (refused.metric, refused.outcome) == ("fd.ratio of class `7`", "worse")


def test_labels_that_are_ignored_move_the_numbers_of_classes_alone(digits, labelled: Bench) -> None:  # type: ignore[no-untyped-def]
    split = digits.validation
    found = labelled.measure(split.images, np.roll(split.labels, 1))
    assert found.metrics["classes"]["worst_ratio"] > 5
    assert found.metrics["classes"]["label_accuracy"] == pytest.approx(0.1, abs=0.03)
    assert found.metrics["fd"] == labelled.real.metrics["fd"]


def test_equal_inputs_give_equal_findings(digits, labelled: Bench) -> None:  # type: ignore[no-untyped-def]
    split = digits.validation
    again = labelled.measure(split.images, split.labels)
    assert again.metrics == labelled.real.metrics
    assert again.detail == labelled.real.detail
    assert again.tables == labelled.real.tables


def test_a_description_depends_on_no_neighbour(digits, labelled: Bench) -> None:  # type: ignore[no-untyped-def]
    images = digits.test.images
    whole = labelled.extractor.describe(images[:1_100])
    part = labelled.extractor.describe(images[1_000:1_007])
    np.testing.assert_array_equal(whole.features[1_000:1_007], part.features)
    assert whole.features.dtype == np.float32
    assert whole.features.min() >= 0


def test_too_few_samples_are_an_error_with_their_number(digits, labelled: Bench) -> None:  # type: ignore[no-untyped-def]
    from ganflow.base.errors import DataError

    with pytest.raises(DataError, match="100 samples"):
        labelled.measure(digits.test.images[:100], None)


def test_tiny_splits_leave_families_out_and_say_so(labelled: Bench) -> None:
    numbers = np.random.default_rng(1)
    few, test = (Seen(numbers.normal(size=(30, 8))) for _ in range(2))
    found = measure(Seen(numbers.normal(size=(200, 8))), few, few, test, Plan(200, 10, 3))
    assert set(found.metrics) == {"fd"}
    assert set(found.detail["left_out"]) == {"fd.infinity", "kid", "prdc", "memorization"}


def test_the_number_of_threads_changes_no_finding() -> None:
    rng = np.random.default_rng(2)
    splits = [Seen(rng.normal(size=(count, 8))) for count in (400, 500, 300, 300)]
    one, two = (measure(*splits, Plan(400, 10, 3, threads=threads)) for threads in (1, 2))
    assert {"prdc", "memorization"} <= set(one.metrics), "the families that use threads"
    assert (two.metrics, two.detail, two.tables) == (one.metrics, one.detail, one.tables)
