"""What the page says of samples, from what the extractor says of them."""

import numpy as np
import pytest

from ganflow.report.compose import data_card, failures

LIKELIHOODS = (0.7, 0.05, 0.9, 0.3)


def test_without_classes_the_least_upright_come_first() -> None:
    """However many shapes the extractor tells apart: what counts is the turn."""
    numbers = np.random.default_rng(0)
    turns = np.stack([np.array([p, *(3 * [(1 - p) / 3])]) for p in LIKELIHOODS])
    shapes = numbers.dirichlet(np.ones(32), len(turns))
    joint = (shapes[:, :, None] * turns[:, None, :]).reshape(len(turns), -1)
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(8, 1).repeat(8, 2)
    for logits in (np.log(joint) + 3, np.log(turns)):
        found = failures(images, None, logits.astype(np.float32), ())
        assert [one.sample.alt for one in found.weakest] == [f"Sample {i}." for i in (2, 4, 1, 3)]
        shown = [float(one.likelihood.removesuffix(" %")) for one in found.weakest]
        assert shown == pytest.approx([5, 30, 70, 90], abs=0.1)
        assert not found.confusions
        assert not found.matrix


def test_nothing_on_the_data_card_is_left_blank() -> None:
    rows = dict(
        data_card({"source": "x", "shape": [4, 6, 3], "official_splits": [], "limit": None})
    )
    assert rows["Official splits"] == "none"
    assert rows["Shape"] == "4 × 6 × 3"
    assert all(rows.values())
