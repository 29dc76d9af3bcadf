"""Classes of two models: closed forms, how often equal models are refused, and lost classes."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from ganflow.metrics.frechet import distance, moments
from ganflow.metrics.frechet_error import frechet_error
from ganflow.versions.class_differences import class_differences, class_rows, compared_part

CLASSES, D, EACH = 10, 8, 100


def row(ratio: float, error: float, samples: int = 50) -> dict[str, Any]:
    fd = {"ratio": ratio, "ratio_error": error, "samples": samples}
    return {"class": "x", "samples": samples, "fd": fd, "kid": None}


def few(value: float, error: float) -> dict[str, Any]:
    kid = {"value": value, "error": error, "samples": 30}
    return {"class": "y", "samples": 30, "fd": None, "kid": kid}


def test_the_interval_is_students_at_bonferronis_level() -> None:
    found = class_differences([[row(1.0, 0.3), few(0.1, 0.02)]], [[row(2.0, 0.4), few(0.3, 0.0)]])
    assert [(one.metric, one.base, one.candidate) for one in found] == [
        ("fd.ratio", 1.0, 2.0),
        ("kid.value", 0.1, 0.3),
    ]
    for one, value, error, freedom in zip(found, (1.0, 0.2), (0.5, 0.02), (49, 29), strict=True):
        half = stats.t(freedom).ppf(1 - 0.05 / 2 / 2) * error
        assert one.interval == pytest.approx((value - half, value + half), rel=1e-9)


def test_over_trainings_it_is_the_paired_one() -> None:
    old, new = [1.0, 1.2, 1.1, 1.4], [2.0, 2.1, 2.3, 2.5]
    (one,) = class_differences([[row(v, 9.0)] for v in old], [[row(v, 9.0)] for v in new])
    expected = stats.ttest_rel(new, old).confidence_interval(0.95)
    assert one.interval == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (one.base, one.candidate) == (pytest.approx(1.175), pytest.approx(2.225))


def test_a_class_is_compared_by_what_all_evaluations_have() -> None:
    both = {**row(1.0, 0.1), "kid": {"value": 0.2, "error": 0.01, "samples": 50}}
    (one,) = class_differences([[both]], [[{**both, "fd": None}]])
    assert one.metric == "kid.value"


@pytest.mark.parametrize(("samples", "lost"), [(0, True), (24, True), (26, False)])
def test_a_class_of_under_half_the_samples_that_cannot_be_measured_is_lost(
    samples: int, lost: bool
) -> None:
    gone = {"class": "x", "samples": samples, "fd": None, "kid": None}
    found = class_differences([[row(1.0, 0.1), row(1.0, 0.1)]], [[gone, row(1.0, 0.1)]])
    assert len(found) == 1 + lost
    if lost:
        assert found[0].candidate is None
        assert found[0].interval is None
    half = stats.t(49).ppf(0.975) * np.hypot(0.1, 0.1)
    assert found[-1].interval == pytest.approx((-half, half)), "the lost class costs no width"


@pytest.mark.parametrize("detail", [{}, {"classes": {}}, {"classes": {"each": "?"}}])
def test_evaluations_of_before_have_no_rows(detail: dict[str, Any]) -> None:
    assert list(class_rows(detail)) == []


def test_the_part_that_is_recorded_gives_the_same_differences() -> None:
    old, new = [row(1.0, 0.3), few(0.1, 0.02)], [row(2.0, 0.4), few(0.3, 0.1)]
    extra = [{**one, "prdc": {"precision": 0.5}} for one in new]
    parts = [[compared_part(one) for one in rows] for rows in (old, extra)]
    assert class_differences([parts[0]], [parts[1]]) == class_differences([old], [new])
    assert "prdc" not in parts[1][0]


def model(rng: np.random.Generator, spoilt: int | None = None) -> list[dict[str, Any]]:
    """The rows of a model whose classes are normal with spread 1.2, measured against N(0, I)."""
    rows = []
    for index in range(CLASSES):
        images = 1.2 * rng.normal(size=(EACH, D))
        if index == spoilt:
            images = 0.3 * images
        reference = REFERENCES[index]
        value, error = distance(moments(images), reference), frechet_error(images, reference)
        rows.append({**row(value, error, EACH), "class": str(index)})
    return rows


REFERENCES = [
    moments(np.random.default_rng(50 + index).normal(size=(90, D))) for index in range(10)
]


def test_equal_models_are_seldom_refused_for_any_class_and_a_collapsed_class_always() -> None:
    """Without any margin, so that nothing but the intervals keeps equal models from refusal."""
    rng = np.random.default_rng(0)
    refused, found = 0, 0
    pairs = 150
    for _ in range(pairs):
        base = model(rng)
        equal = class_differences([base], [model(rng)])
        refused += any(one.interval is not None and one.interval[0] > 0 for one in equal)
        spoilt = class_differences([base], [model(rng, spoilt=6)])
        worse = [one.name for one in spoilt if one.interval is not None and one.interval[0] > 0]
        found += "6" in worse
    assert refused / pairs <= 0.05
    assert found / pairs > 0.95
