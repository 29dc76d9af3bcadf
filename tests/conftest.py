"""Which tests are slow by what they use, the seed that each begins with, and who commits."""

import os
import sys
import zlib

import pytest

SLOW_FIXTURES = {"server", "worker"}
"""A Prefect server and its worker: starting them, and every run on them, takes seconds."""

os.environ |= {
    "GIT_AUTHOR_NAME": "A Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "DVC_NO_ANALYTICS": "1",
}


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let initial weights not depend on which tests have run before in this process."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(zlib.crc32(item.nodeid.encode()))
