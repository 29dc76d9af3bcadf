"""The memory of a process, which only grows."""

import numpy as np

from ganflow.memory import peak_memory


def test_the_peak_has_what_was_held_and_stays_when_that_is_gone() -> None:
    before = peak_memory()
    held = np.ones(2**24)  # 128 MB, all of it written
    during = peak_memory()
    assert during >= before
    assert during >= held.nbytes
    del held
    assert peak_memory() >= during
