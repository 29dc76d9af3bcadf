"""The studio keeps to its own OpenAPI description: schemathesis looks for where it does not.

It draws requests from the description, right ones and wrong ones in every part, and sends them
to the running server. Each answer must be one that the page announces, in status, headers, media
type and shape; right requests must be taken, wrong ones refused, and nothing may break the
server.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.report.pipeline import FakeGenerator, Shape, write_outputs
from tests.system.test_studio_in_browser import served

pytestmark = pytest.mark.system

SHAPES = {
    "classes": Shape(classes=4),
    "colour without classes": Shape(channels=3, classes=0, conditional=False),
}
OPTIONS = (
    "--phases=examples,coverage,fuzzing",
    "--max-examples=15",
    "--seed=1",
    "--workers=2",
    "--request-timeout=30",
    "--no-color",
)


@pytest.fixture(params=SHAPES)
def page(request: Any, tmp_path: Path) -> Iterator[str]:
    """Where a running studio has its description."""
    shape = SHAPES[request.param]
    write_outputs(tmp_path, shape)
    for address in served(tmp_path, lambda folder: FakeGenerator(shape)):
        yield f"{address}api/openapi.json"


def test_no_answer_departs_from_the_page(page: str, tmp_path: Path) -> None:
    operations = sum(len(methods) for methods in httpx.get(page).json()["paths"].values())
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", page, *OPTIONS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {operations}\n" in done.stdout
