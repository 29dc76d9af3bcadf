"""One browser for all proofs that need one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.browser import chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as program:
        yield program
