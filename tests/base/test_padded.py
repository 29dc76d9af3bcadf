"""Every row is in one batch, and all batches have the same size."""

import numpy as np
import pytest

from ganflow.base.padded import padded_batches


@pytest.mark.parametrize(("count", "batches"), [(0, 0), (1, 1), (4, 1), (5, 2), (12, 3)])
def test_every_row_is_in_one_batch_of_the_size_asked_for(count: int, batches: int) -> None:
    images = np.arange(1, 1 + count * 6, dtype=np.uint8).reshape(count, 2, 3)
    labels = np.arange(count)
    copied, seen = np.zeros_like(images), []
    for rows, (some, kinds) in padded_batches(4, images, labels):
        assert (some.shape, some.dtype, kinds.shape) == ((4, 2, 3), np.uint8, (4,))
        number = rows.stop - rows.start
        copied[rows] = some[:number]
        seen += kinds[:number].tolist()
        assert not some[number:].any()
    assert seen == labels.tolist()
    np.testing.assert_array_equal(copied, images)
    assert len(list(padded_batches(4, images))) == batches
