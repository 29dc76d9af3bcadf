"""One thread for linear algebra, so that sums do not depend on how many cores there are.

The matrices of the metrics are small: more BLAS threads than one make a QR factorisation of
10,000 × 128 slower, and change its last digits. Where there is enough to do for several cores,
`over_blocks` gives each a block of rows of its own.
"""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

Result = TypeVar("Result")

BLOCK_BYTES = 48 * 2**20


@functools.cache
def _controller() -> ThreadpoolController:
    np.linalg.norm(np.eye(2))  # the library is found only once it is loaded
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let NumPy's BLAS use one thread while the block runs."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def over_blocks(
    work: Callable[[slice], Result], rows: int, columns: int, threads: int = 1
) -> list[Result]:
    """Call `work` on slices that cover `rows`, each with at most 48 MB of float64 × `columns`.

    Returns:
        The results in the order of the rows, whatever the number of threads.
    """
    step = max(16, BLOCK_BYTES // (8 * max(columns, 1)))
    slices = [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
    with one_thread():
        if threads == 1:
            return [work(part) for part in slices]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, slices))
