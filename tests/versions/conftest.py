"""The project that reviews are tested on."""

from pathlib import Path

import pytest

from tests.versions.reviewed import Project, evaluation


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    made = Project(tmp_path)
    made.write(evaluation(3.0))
    made.commit()
    return made
