"""One studio for all tests that change nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.report.pipeline import write_outputs
from tests.studio.client import SHAPE, client_of


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_outputs(folder, SHAPE)
    (folder / "data/model/generator.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[TestClient]:
    with client_of(root) as client:
        yield client
