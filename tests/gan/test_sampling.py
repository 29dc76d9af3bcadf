"""Images of a finished generator: their labels, and that blocks change nothing."""

import numpy as np
import pytest

from ganflow.gan import sampling
from ganflow.gan.sampling import drawn_labels, sample


class Shifted:
    """A generator that shows the first number of a latent, and the label."""

    shape, latent = (4, 4, 1), 3

    def __init__(self, shares: list[float] | None) -> None:
        self.card = {"class_shares": shares}

    def images(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        values = 100 + 10 * latents[:, 0] + (0 if labels is None else 50 * labels)
        return np.broadcast_to(values[:, None, None, None], (len(latents), 4, 4, 1))


@pytest.mark.parametrize("shares", [None, [0.5, 0.5]])
def test_blocks_change_nothing(shares: list[float] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Shifted(shares)
    whole, labels = sample(generator, 50, 7, 0.8)  # type: ignore[arg-type]
    monkeypatch.setattr(sampling, "BLOCK", 7)
    parts, again = sample(generator, 50, 7, 0.8)  # type: ignore[arg-type]
    assert np.array_equal(whole, parts)
    assert (labels is None) == (shares is None)
    if labels is not None:
        assert np.array_equal(labels, again)


def test_given_labels_are_kept_and_truncation_narrows() -> None:
    generator = Shifted([0.5, 0.5])
    asked = np.ones(2000, np.int64)
    wide, labels = sample(generator, 2000, 7, 1.0, asked)  # type: ignore[arg-type]
    narrow, _ = sample(generator, 2000, 7, 0.5, asked)  # type: ignore[arg-type]
    assert labels is asked
    assert wide.astype(float).std() == pytest.approx(2 * narrow.astype(float).std(), rel=0.02)
    assert wide.mean() == pytest.approx(150, abs=2)


@pytest.mark.parametrize("count", [1, 7, 100, 9_999])
def test_counts_are_the_shares_rounded(count: int) -> None:
    shares = np.array([0.5, 0.25, 0.2, 0.05])
    labels = drawn_labels(list(shares), count, np.random.default_rng(0))
    counts = np.bincount(labels, minlength=4)
    assert counts.sum() == count
    assert (np.abs(counts - shares * count) < 1).all()


def test_every_prefix_is_mixed() -> None:
    labels = drawn_labels([0.1] * 10, 10_000, np.random.default_rng(0))
    for start in range(0, 10_000, 1_000):
        counts = np.bincount(labels[start : start + 1_000], minlength=10)
        assert counts.min() > 60  # 100 expected, five standard deviations are 45
        assert counts.max() < 145
