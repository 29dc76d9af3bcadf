"""One prepared project for the tests of what arrives."""

import pytest

from ganflow.base.store import Store
from tests.incoming.sets import prepared


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return prepared(tmp_path_factory.mktemp("incoming"))
