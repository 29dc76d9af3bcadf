"""How long a classifier learns."""

import pytest

from ganflow.evaluation.classifier import epochs_for


@pytest.mark.parametrize(
    ("images", "epochs"), [(54_000, 2), (30_000, 2), (29_999, 3), (10_000, 6), (3_000, 20), (1, 20)]
)
def test_few_images_are_seen_more_often(images: int, epochs: int) -> None:
    assert epochs_for(images) == epochs
