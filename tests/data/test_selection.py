"""Selection: even over classes, by digest, and stable."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.data.selection import balance, in_order, limit
from ganflow.data.splits import DROPPED, TEST, TRAIN


def test_numbers_are_ordered_as_numbers_and_names_as_names() -> None:
    assert in_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert in_order(["b10", "b9", "a"]) == ["a", "b10", "b9"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), st.integers(1, 100))
def test_balance_and_limit_keep_what_they_promise(labels: list[int], most: int) -> None:
    count = len(labels)
    ids = np.array(labels, np.int32)
    sources = np.random.default_rng(count).integers(0, 2**64, (count, 2), dtype=np.uint64)
    splits = np.full(count, TRAIN, np.int8)
    splits[::7] = TEST
    training = ids[splits == TRAIN]
    balanced = balance(splits, ids, sources)
    left = np.bincount(ids[balanced == TRAIN], minlength=4)
    if len(training):
        rarest = np.unique(training, return_counts=True)[1].min()
        assert set(left[np.unique(training)]) == {rarest}
    limited = limit(splits, sources, most)
    assert (limited == TRAIN).sum() == min(most, len(training))
    for changed in (balanced, limited):
        np.testing.assert_array_equal(changed[splits == TEST], TEST)
        assert ((changed == splits) | (changed == DROPPED)).all()
    kept, lost = sources[limited == TRAIN, 0], sources[(limited == DROPPED), 0]
    assert not len(lost) or not len(kept) or kept.max() < lost.min()
