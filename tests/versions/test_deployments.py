"""Messages name the deployments of the project they are about."""

from pathlib import Path

import pytest

from ganflow.template.files import deployments_file
from ganflow.versions.deployments import deployment, project_name, work_pool

ROOT = Path(__file__).parents[2]


def test_this_repository() -> None:
    assert (project_name(ROOT), work_pool(ROOT)) == ("ganflow", "ganflow")
    assert deployment("retrain", "nightly", ROOT) == "retrain/nightly"


def test_a_project_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text(deployments_file("faces"))
    assert (project_name(tmp_path), work_pool(tmp_path)) == ("faces", "faces")
    assert deployment("housekeeping", "weekly", tmp_path) == "housekeeping/faces-weekly"


@pytest.mark.parametrize("text", [None, "", "[]", "deployments: x", "name: [", "deployments: [1]"])
def test_a_file_that_says_nothing(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "prefect.yaml").write_text(text)
    assert (project_name(tmp_path), work_pool(tmp_path)) == ("ganflow", "ganflow")
    assert deployment("retrain", "nightly", tmp_path) == "retrain/nightly"
