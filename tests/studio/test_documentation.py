"""Every request in docs/looking.md is answered."""

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ganflow import cli
from ganflow.studio.app import create_app
from tests.report.pipeline import FakeGenerator, Shape, write_outputs

PAGE = Path(__file__).parents[2] / "docs" / "looking.md"
REQUESTS = re.findall(r"^    POST (/api/\w+) (\{.*\})$", PAGE.read_text(), re.MULTILINE)


def test_every_path_but_the_planes_is_shown() -> None:
    assert {path for path, _ in REQUESTS} == {
        f"/api/{name}" for name in ("samples", "views", "walks", "neighbours")
    }


@pytest.mark.slow
def test_the_requests_are_answered(tmp_path: Path) -> None:
    shape = Shape(classes=8)
    write_outputs(tmp_path, shape)
    app = create_app(
        {"current": tmp_path / "data/model"},
        lambda folder: FakeGenerator(shape),
        tmp_path / "data/prepared",
        tmp_path / "live",
    )
    with TestClient(app) as client:
        for path, body in REQUESTS:
            answer = client.post(path, json=json.loads(body))
            assert answer.status_code == 200, (path, body, answer.text)
            assert len(answer.content) > 100
        refused = client.post("/api/samples", json={"count": 100_000})
        assert json.dumps(refused.json()) in PAGE.read_text()


def test_the_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["studio", "--help"])
    told = capsys.readouterr().out
    options = set(re.findall(r"--\w+", PAGE.read_text())) - {"--json", "--output", "--rev"}
    assert options == {"--compare", "--host"}
    assert all(option in told for option in options)
