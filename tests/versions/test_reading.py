import json
from pathlib import Path

from ganflow.versions.reading import DETAIL, METRICS, measured_at


def test_an_evaluation_of_version_0_1_is_read_under_its_new_keys(tmp_path: Path) -> None:
    (tmp_path / METRICS).parent.mkdir(parents=True)
    (tmp_path / METRICS).write_text(
        json.dumps({"fd": {"value": 2.0, "floor": 1.0}, "yardstick": "1234"})
    )
    (tmp_path / DETAIL).write_text(json.dumps({"fd": {"floor": {"mean": 1.0}}}))
    found = measured_at(None, tmp_path)
    assert found.metrics["fd"] == {"value": 2.0, "baseline": 1.0}
    assert found.evaluator == "1234"
    assert found.detail["fd"]["baseline"]["mean"] == 1.0


def test_no_evaluation_is_an_empty_one(tmp_path: Path) -> None:
    assert measured_at(None, tmp_path).metrics == {}
