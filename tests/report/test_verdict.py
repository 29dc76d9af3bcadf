"""The verdict says what the numbers say, and leaves out what was not measured."""

import pytest

from ganflow.report.verdict import judge, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.000012, "1.2e-05"),
        (0.00123456, "0.00123"),
        (1.6249, "1.62"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.05, "as close to real images as"),
        (2.0, "close to real"),
        (4.0, "clearly told"),
        (50, "far"),
    ],
)
def test_the_grade_follows_the_ratio(ratio: float, words: str) -> None:
    metrics = {"fd": {"value": ratio * 0.5, "floor": 0.5, "ratio": ratio}}
    sentence = judge(metrics, {}).sentence
    assert words in sentence
    assert f"{ratio:.1f} times the 0.5" in sentence


def test_without_numbers_it_says_so() -> None:
    verdict = judge({}, {})
    assert verdict.findings == ()
    assert verdict.sentence == "No distance to real images has been measured."


def test_floors_and_intervals_are_found_in_either_file() -> None:
    metrics = {"fd": {"value": 2.0, "low": 1.9, "high": 2.1}, "recall": {"value": 0.9}}
    detail = {"fd": {"floor": 1.0}, "recall": {"floor": 0.95, "interval": [0.88, 0.92]}}
    distance, recall = judge(metrics, detail).findings
    assert (distance.interval, distance.floor) == ("1.9 to 2.1", "1")
    assert recall.value == "90.0\u00a0%"
    assert recall.interval == "88.0\u00a0% to 92.0\u00a0%"
    assert recall.floor == "95.0\u00a0%"
