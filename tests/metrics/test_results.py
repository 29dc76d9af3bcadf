"""What is written is rounded, and what is printed has its interval."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.store import Split
from ganflow.metrics.results import evaluator_id, print_findings, write_findings
from ganflow.metrics.suite import Findings


def findings() -> Findings:
    return Findings(
        metrics={"fd": {"value": 1 / 3, "ratio": 2.0}},
        detail={"fd": {"interval": [0.25, 0.5]}, "doubts": ["It copies."]},
        tables={"classes": [{"class": 1, "real": 2 / 3}]},
    )


def test_numbers_have_six_digits_and_classes_their_names(tmp_path: Path) -> None:
    write_findings(tmp_path, findings(), ("cat", "dog"), {"profile": "quick"})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics == {"fd": {"value": 0.333333, "ratio": 2.0}, "profile": "quick"}
    assert json.loads((tmp_path / "detail.json").read_text())["profile"] == "quick"
    with (tmp_path / "plots/classes.csv").open() as stream:
        assert list(csv.DictReader(stream)) == [{"class": "dog", "real": "0.666667"}]


def test_a_line_has_the_interval_of_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings(findings())
    assert capsys.readouterr().out.splitlines() == [
        "fd: value 0.3333 (0.25 to 0.5), ratio 2",
        "doubt: It copies.",
    ]


def test_the_evaluator_changes_with_weights_images_and_labels() -> None:
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)
    labels = np.array([0, 1])
    first = evaluator_id(["a", "b"], Split(images, labels))
    others = (
        evaluator_id(["a", "c"], Split(images, labels)),
        evaluator_id(["a", "b"], Split(images[::-1], labels)),
        evaluator_id(["a", "b"], Split(images, labels[::-1])),
        evaluator_id(["a", "b"], Split(images, None)),
    )
    assert len({first, *others}) == 5
    assert evaluator_id(["a", "b"], Split(images.copy(), labels.copy())) == first
