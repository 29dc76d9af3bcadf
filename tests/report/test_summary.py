"""The summary says what the numbers say, and leaves out what was not measured."""

import pytest

from ganflow.report.summary import MEASURES, number, summarise


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.000012, "1.2e−05"),
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
    metrics = {"fd": {"value": ratio * 0.5, "baseline": 0.5, "ratio": ratio}}
    sentence = summarise(metrics, {}).sentence
    assert words in sentence
    assert f"{ratio:.1f} times the 0.5" in sentence


def test_without_numbers_it_says_so() -> None:
    summary = summarise({}, {})
    assert summary.findings == ()
    assert summary.sentence == "No distance to real images has been measured."


def test_an_evaluator_that_failed_its_test_praises_nothing() -> None:
    metrics = {
        "fd": {"value": 0.4, "baseline": 0.5, "ratio": 0.8},
        "evaluator_test": "failed",
    }
    sentence = summarise(metrics, {"doubts": ["It misses blobs."]}).sentence
    assert sentence == "How good these samples are cannot be measured. It misses blobs."


def test_baselines_and_intervals_stand_beside_their_numbers() -> None:
    metrics = {
        "fd": {"value": 2.0, "low": 1.9, "high": 2.1, "baseline": 1.0, "ratio": 2.0},
        "kid": {"value": 0.01},
        "prdc": {"precision": 0.8, "recall": 0.9},
    }
    detail = {
        "fd": {"interval": [0, 9]},
        "kid": {"error": 0.001, "real": {"value": -0.002}},
        "prdc": {"real": {"recall": 0.95}, "precision_interval": [0.75, 0.85]},
    }
    distance, kernel, precision, recall = summarise(metrics, detail).findings
    assert (distance.interval, distance.baseline, distance.ratio) == (
        "1.9 to 2.1",
        "1",
        "2.00\u00a0×",
    )
    assert (kernel.interval, kernel.baseline) == ("0.00804 to 0.012", "−0.002")
    assert precision.interval == "75.0\u00a0% to 85.0\u00a0%"
    assert (recall.value, recall.interval) == ("90.0\u00a0%", "")
    assert recall.baseline == "95.0\u00a0%"


def test_an_interval_in_the_detail_goes_before_standard_errors() -> None:
    detail = {"kid": {"error": 0.001, "interval": [0.007, 0.013]}}
    (kernel,) = summarise({"kid": {"value": 0.01}}, detail).findings
    assert kernel.interval == "0.007 to 0.013"


@pytest.mark.parametrize(
    ("agrees", "words"), [(True, "and agrees."), (False, "and does not agree.")]
)
def test_the_second_extractor_is_heard(agrees: bool, words: str) -> None:
    metrics = {"fd": {"value": 2.0, "second_ratio": 1.87}}
    second = summarise(metrics, {"fd": {"second": {"agrees": agrees}}}).second
    assert "1.87" in second
    assert second.endswith(words)


def test_what_the_evaluation_doubts_ends_the_sentence() -> None:
    metrics = {"fd": {"value": 2.0, "baseline": 1.0, "ratio": 2.0}}
    plain = summarise(metrics, {}).sentence
    doubted = summarise(metrics, {"doubts": ["The extractor guesses.", "It copies."]}).sentence
    assert doubted == f"{plain} The extractor guesses. It copies."


def test_every_number_of_the_evaluation_has_a_name() -> None:
    """Whatever `evaluate` publishes is shown, or stands in the sentence and the note."""
    published = {
        "fd": ("value", "baseline", "ratio", "low", "high", "infinity", "second_ratio"),
        "kid": ("value",),
        "prdc": ("precision", "recall", "density", "coverage"),
        "classes": ("kl", "label_accuracy", "worst_ratio"),
        "memorization": ("ct", "authenticity", "fd_gap"),
        "modes": ("covered",),
        "c2st": ("accuracy",),
        "cas": ("ratio",),
        "fid": ("value", "ratio"),
    }
    beside = {"fd.baseline", "fd.ratio", "fd.low", "fd.high", "fd.second_ratio", "fid.ratio"}
    keys = {f"{family}.{name}" for family, names in published.items() for name in names}
    assert keys - beside == {measure.key for measure in MEASURES}
