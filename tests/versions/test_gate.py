"""The gate's decisions, against closed forms and at their edges."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganflow.config.gate import GateParams, Limit
from ganflow.versions.comparison import paired_interval
from ganflow.versions.gate import (
    Measured,
    classify_difference,
    decide,
    difference_interval,
)


def measured(
    value: float, half: float | None = None, evaluator: str = "a", **more: float
) -> Measured:
    span = {} if half is None else {"low": value - half, "high": value + half}
    return Measured({"fd": {"value": value, **span, **more}, "evaluator": evaluator}, {})


GATE = GateParams(limits={}, compare={"fd.value": "lower"}, margin=0.1)


@pytest.mark.parametrize(
    ("interval", "direction", "expected"),
    [
        ((-3, -1), "lower", "better"),
        ((-3, 0.5), "lower", "not worse"),
        ((-3, 1), "lower", "not worse"),
        ((-3, 1.01), "lower", "cannot tell"),
        ((1.01, 3), "lower", "worse"),
        ((1, 3), "higher", "better"),
        ((-0.5, 3), "higher", "not worse"),
        ((-3, -1.01), "higher", "worse"),
        (None, "lower", "cannot tell"),
    ],
)
def test_a_difference_is_judged_by_its_interval(interval, direction, expected) -> None:
    assert classify_difference(interval, direction, 1.0) == expected


def test_cannot_tell_fails_unless_the_gate_says_otherwise() -> None:
    unclear = [measured(10, 5)], [measured(10.5, 5)]
    assert not decide(GATE, *unclear).passed
    assert decide(GATE.model_copy(update={"on_unclear": "pass"}), *unclear).passed
    worse = [measured(10, 0.1)], [measured(15, 0.1)]
    assert not decide(GATE.model_copy(update={"on_unclear": "pass"}), *worse).passed


def test_a_clear_improvement_passes_and_is_called_better() -> None:
    decision = decide(GATE, [measured(10, 0.1)], [measured(9, 0.1)])
    assert decision.passed
    assert decision.rows[0].outcome == "better"
    assert "fd.value better" in decision.line


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, "2", True])
@pytest.mark.parametrize("side", [0, 1])
def test_a_metric_that_is_missing_or_no_number_fails(bad, side) -> None:
    sides = [[measured(10, 0.1)], [measured(9, 0.1)]]
    sides[side] = [Measured({"fd": {"value": bad}, "evaluator": "a"}, {})]
    gate = GATE.model_copy(update={"on_unclear": "pass"})
    assert decide(gate, *sides).rows[0].outcome == "missing"
    assert not decide(gate, *sides).passed
    limited = GateParams(limits={"fd.value": Limit(most=100)}, compare={})
    assert decide(limited, *sides).passed is (side == 0)


def test_two_evaluators_are_not_compared() -> None:
    decision = decide(GATE, [measured(10, 0.1, "a")], [measured(9, 0.1, "b")])
    assert decision.rows[0].outcome == "missing"


def test_two_profiles_are_not_compared() -> None:
    quick, full = (
        Measured({**measured(value, 0.1).metrics, "profile": profile}, {})
        for value, profile in ((10, "quick"), (9, "full"))
    )
    assert decide(GATE, [quick], [full]).rows[0].outcome == "missing"
    assert decide(GATE, [quick], [quick]).rows[0].outcome == "not worse"


def test_limits_hold_for_every_training() -> None:
    gate = GateParams(limits={"fd.value": Limit(least=1, most=10)}, compare={})
    assert decide(gate, [], [measured(9), measured(10)]).passed
    assert not decide(gate, [], [measured(9), measured(10.1)]).passed
    assert not decide(gate, [], [measured(0.9)]).passed
    assert not decide(gate, [], []).passed


def test_paired_interval_is_scipys() -> None:
    from scipy import stats

    generator = random.Random(0)
    base = [generator.gauss(10, 2) for _ in range(7)]
    new = [value + generator.gauss(0.5, 0.3) for value in base]
    differences = [b - a for a, b in zip(base, new, strict=True)]
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert paired_interval(base, new) == pytest.approx((expected.low, expected.high), rel=1e-9)


@given(st.floats(-100, 100), st.floats(0.01, 10), st.floats(-100, 100), st.floats(0.01, 10))
def test_symmetric_intervals_add_in_squares(old, old_half, new, new_half) -> None:
    found = difference_interval("fd.value", measured(old, old_half), measured(new, new_half))
    half = math.hypot(old_half, new_half)
    assert found == pytest.approx((new - old - half, new - old + half), abs=1e-9)


def test_intervals_are_found_where_the_evaluation_writes_them() -> None:
    one = Measured(
        {"fd": {"value": 2.0, "low": 1.5, "high": 2.5, "ratio": 4.0}, "kid": {"value": 0.1}},
        {"fd": {"ratio_interval": [3.0, 5.0]}, "kid": {"interval": [0.05, 0.15]}},
    )
    assert one.interval("fd.value") == (1.5, 2.5)
    assert one.interval("fd.ratio") == (3.0, 5.0)
    assert one.interval("kid.value") == (0.05, 0.15)
    assert one.interval("classes.kl") is None
    assert one.value("fd") is None


def test_the_decision_says_what_it_compared() -> None:
    text = decide(GATE, [measured(10, 0.1)], [measured(9, 0.1)]).as_markdown()
    assert "| fd.value | 10 | 9 | -1.14 to -0.859 |" in text
    assert "one training each" in text


def test_an_evaluator_that_failed_its_test_passes_nothing() -> None:
    good = measured(1.0, 0.1)
    failed = Measured({**good.metrics, "evaluator_test": "failed"}, {})
    passed = Measured({**good.metrics, "evaluator_test": "passed"}, {})
    gate = GateParams(limits={}, compare={})
    assert decide(gate, [good], [good]).passed
    assert decide(gate, [good], [passed]).passed
    decision = decide(gate, [good], [passed, failed])
    assert not decision.passed
    assert "evaluator broken" in decision.line
    assert "planted" in decision.as_markdown()


def with_classes(ratios: Sequence[float], error: float = 0.1, value: float = 10.0) -> Measured:
    """An evaluation with a row for each class, of which 1,000 samples were judged."""
    rows: list[dict[str, Any]] = [
        {
            "class": f"digit {index}",
            "samples": 1000,
            "fd": {"ratio": ratio, "ratio_error": error, "samples": 1000},
            "kid": {"value": ratio, "error": error, "samples": 500},
        }
        for index, ratio in enumerate(ratios)
    ]
    plain = measured(value, 0.1)
    worst = {"classes": {"worst_ratio": max(ratios)}}
    return Measured({**plain.metrics, **worst}, {"classes": {"each": rows}})


FINE = [1.2] * 10
LOST = [1.1] * 3 + [24.0] + [1.1] * 6


def test_a_lost_class_is_refused_by_name_though_the_whole_is_better() -> None:
    decision = decide(GATE, [with_classes(FINE)], [with_classes(LOST, value=9)])
    assert decision.rows[0].outcome == "better"
    assert not decision.passed
    assert decision.line == "**The gate fails**: fd.ratio of class `digit 3` worse (1.2 → 24)"
    assert "| fd.ratio of class `digit 3` | 1.2 | 24 |" in decision.as_markdown()
    assert "95 % for 10 classes together" in decision.as_markdown()
    off = GATE.model_copy(update={"classes": False})
    assert decide(off, [with_classes(FINE)], [with_classes(LOST, value=9)]).passed


def test_classes_that_are_no_worse_are_one_row() -> None:
    decision = decide(GATE, [with_classes(FINE)], [with_classes([1.3] * 10, value=9)])
    assert decision.passed
    assert decision.line == "**The gate passes**: fd.value better (10 → 9), classes none worse"
    assert len(decision.rows) == 2
    assert "no class worse, margin 10%, 95 % for 10 together" in decision.as_markdown()


def test_the_margin_is_a_share_of_each_classs_own_value() -> None:
    gate = GATE.model_copy(update={"margin": 0.5})
    base, candidate = with_classes([1.0, 4.0], 0.01), with_classes([1.6, 5.9], 0.01)
    (row,) = (row for row in decide(gate, [base], [candidate]).rows if not row.passed)
    assert row.metric == "fd.ratio of class `digit 0`"


def test_the_worst_ratio_can_be_limited() -> None:
    gate = GateParams(limits={"classes.worst_ratio": Limit(most=4)}, compare={})
    assert decide(gate, [], [with_classes(FINE)]).passed
    decision = decide(gate, [], [with_classes(LOST)])
    assert decision.line == "**The gate fails**: classes.worst_ratio broken"
    assert decide(gate, [], [measured(1.0)]).rows[0].outcome == "missing"


def test_a_base_without_numbers_of_each_class_is_compared_in_all_else() -> None:
    decision = decide(GATE, [measured(10, 0.1)], [with_classes(LOST, value=9)])
    assert decision.passed
    assert [row.metric for row in decision.rows] == ["fd.value"]
    assert "Classes are not compared: the base's detail.json" in decision.as_markdown()
    assert decide(GATE, [measured(10, 0.1)], [measured(9, 0.1)]).notes == ()
    unknown = decide(GATE, [Measured({}, {})], [with_classes(FINE)])
    assert unknown.notes == ()


def test_a_candidate_without_numbers_of_each_class_fails() -> None:
    decision = decide(GATE, [with_classes(FINE)], [measured(9, 0.1)])
    assert not decision.passed
    assert "classes missing" in decision.line
    fewer = decide(GATE, [with_classes(FINE)], [with_classes(FINE[:9], value=9)])
    assert "classes missing" in fewer.line


def test_a_class_that_is_no_longer_made_is_refused() -> None:
    candidate = with_classes(FINE, value=9)
    candidate.detail["classes"]["each"][4] |= {"samples": 3, "fd": None, "kid": None}
    decision = decide(GATE, [with_classes(FINE)], [candidate])
    assert decision.line == "**The gate fails**: fd.ratio of class `digit 4` missing"


def test_classes_too_small_to_compare_are_counted() -> None:
    base, candidate = with_classes(FINE), with_classes(FINE, value=9)
    for one in (base, candidate):
        one.detail["classes"]["each"][4] |= {"samples": 9, "fd": None, "kid": None}
    decision = decide(GATE, [base], [candidate])
    assert decision.passed
    assert decision.notes == ("Of 10 classes, 1 have too few images to be compared.",)


def test_over_several_trainings_a_lost_class_is_told_from_luck() -> None:
    base = [with_classes([1.0 + 0.05 * k, 2.0]) for k in range(4)]
    lucky = [with_classes([1.05 + 0.03 * k, 2.0 + (-1) ** k], value=9 + 0.01 * k) for k in range(4)]
    lost = [with_classes([9.0 + 0.1 * k, 2.0], value=9 + 0.01 * k) for k in range(4)]
    assert decide(GATE, base, lucky).passed
    assert "fd.ratio of class `digit 0` worse (1.075 → 9.15)" in decide(GATE, base, lost).line


def test_a_name_of_a_class_breaks_no_table() -> None:
    candidate = with_classes(LOST, value=9)
    candidate.detail["classes"]["each"][3]["class"] = "a|b`\n"
    text = decide(GATE, [with_classes(FINE)], [candidate]).as_markdown()
    assert "| fd.ratio of class `a\\|b' ` | 1.2 | 24 |" in text
