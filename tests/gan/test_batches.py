"""The order of images: complete, seeded, and the same wherever it is taken up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganflow.gan.batches import Batches


def batches(count: int, seed: int = 0, labels: bool = True) -> Batches:
    images = np.arange(count * 12, dtype=np.uint32).reshape(count, 2, 2, 3).astype(np.uint8)
    return Batches(images, np.arange(count) % 7 if labels else None, seed)


def test_every_image_once_a_round() -> None:
    seen = batches(53).rows(0, 53 * 4)
    rounds = seen.reshape(4, 53)
    for order in rounds:
        assert sorted(order) == list(range(53))
    assert len({tuple(order) for order in rounds}) == 4


@given(st.integers(1, 40), st.integers(0, 200), st.lists(st.integers(1, 60), max_size=5))
def test_taken_up_anywhere_it_goes_on_as_if_never_interrupted(
    count: int, start: int, sizes: list[int]
) -> None:
    source = batches(count)
    whole = source.rows(0, start + sum(sizes) + 1)
    found = [labels for _, labels in source.blocks(start, sizes)]
    parts = np.concatenate(found) if found else np.empty(0, np.int64)
    np.testing.assert_array_equal(parts, whole[start : start + sum(sizes)] % 7)


def test_images_and_labels_stay_together() -> None:
    source = batches(21)
    label_of = {i.tobytes(): y for i, y in zip(source.images, source.labels, strict=True)}
    for images, labels in source.blocks(5, [8, 30]):
        assert [label_of[image.tobytes()] for image in images] == labels.tolist()


def test_another_seed_is_another_order() -> None:
    assert (batches(60, seed=0).rows(0, 60) != batches(60, seed=1).rows(0, 60)).any()
    np.testing.assert_array_equal(batches(60, seed=1).rows(7, 60), batches(60, seed=1).rows(7, 60))


def test_without_labels_there_are_zeros() -> None:
    (_, labels), *_ = batches(9, labels=False).blocks(0, [4])
    assert labels.tolist() == [0, 0, 0, 0]
    assert labels.dtype == np.int64


def test_a_batch_may_be_larger_than_the_data() -> None:
    counts = np.bincount(batches(5).rows(0, 12), minlength=5)
    assert counts.sum() == 12
    assert counts.min() >= 2
    assert counts.max() <= 3


def test_half_of_the_images_are_mirrored_and_others_every_round() -> None:
    images = np.arange(200 * 6, dtype=np.uint32).reshape(200, 1, 2, 3).astype(np.uint8)
    images[:, :, 1] = images[:, :, 0] + 1
    source = Batches(images, None, 0, mirror=True)
    blocks = np.concatenate([seen for seen, _ in source.blocks(0, [150, 450])])
    flipped = blocks[:, 0, 0, 0] > blocks[:, 0, 1, 0]
    assert 0.4 < flipped.mean() < 0.6
    np.testing.assert_array_equal(flipped, source.mirrored(0, 600))
    rows = source.rows(0, 600)
    by_round = [dict(zip(rows[i : i + 200], flipped[i : i + 200], strict=True)) for i in (0, 200)]
    assert any(by_round[0][row] != by_round[1][row] for row in range(200))
    np.testing.assert_array_equal(source.mirrored(137, 80), source.mirrored(0, 217)[137:])
    assert (images[:, 0, 0, 0] < images[:, 0, 1, 0]).all(), "the data itself was changed"


def test_by_default_nothing_is_mirrored() -> None:
    assert not batches(30).mirrored(0, 90).any()
