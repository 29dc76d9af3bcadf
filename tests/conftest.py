"""Which tests are slow by what they use."""

import pytest

SLOW_FIXTURES = {"server", "worker"}
"""A Prefect server and its worker: starting them, and every run on them, takes seconds."""


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
