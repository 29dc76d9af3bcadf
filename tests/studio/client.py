"""A studio whose models are blobs instead of networks, as a test client sees it."""

from pathlib import Path

from fastapi.testclient import TestClient

from ganflow.studio.app import create_app
from ganflow.studio.guard import LOOPBACK, Guard
from tests.report.pipeline import FakeGenerator, Shape

SHAPE = Shape(classes=4)


def client_of(
    root: Path, load: object = None, shape: Shape = SHAPE, **options: object
) -> TestClient:
    app = create_app(
        {"current": root / "data/model", "older": root / "data/model"},
        load or (lambda folder: FakeGenerator(shape)),
        root / "data/prepared",
        root / "live",
        **options,
    )
    return TestClient(
        Guard(app, LOOPBACK), base_url="http://localhost:8765", raise_server_exceptions=False
    )
