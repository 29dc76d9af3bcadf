"""What is written is rounded, and what is printed has its interval."""

import csv
import json
from pathlib import Path

from ganflow.metrics.record import summary_lines, write_findings
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


def test_a_line_has_the_interval_of_its_number() -> None:
    assert list(summary_lines(findings())) == [
        "fd: value 0.3333 (0.25 to 0.5), ratio 2",
        "doubt: It copies.",
    ]
