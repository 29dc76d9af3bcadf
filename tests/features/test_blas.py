"""Blocks cover all rows in order, and linear algebra inside them has one thread."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ganflow.features import blas
from ganflow.features.blas import one_thread, over_blocks


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [0, 1, 16, 17, 100])
def test_blocks_cover_the_rows_in_order(
    rows: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blas, "BLOCK_BYTES", 8 * 20 * 16)  # 16 rows of 20 columns
    found = over_blocks(lambda part: list(range(part.start, part.stop)), rows, 20, threads)
    assert [row for block in found for row in block] == list(range(rows))
    assert all(0 < len(block) <= 16 for block in found)


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_inside_and_its_own_number_outside() -> None:
    np.linalg.norm(np.eye(2))
    before = blas_threads()
    with one_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before
    assert over_blocks(lambda part: blas_threads(), 1, 1) == [{1}]
