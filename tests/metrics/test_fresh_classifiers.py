"""Fresh classifiers: fooled by real images, not by planted faults."""

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.features.classifier import Lessons
from ganflow.metrics import fresh_classifiers
from ganflow.metrics.fresh_classifiers import AccuracyScore, accuracy_score, two_sample

LESSONS = Lessons(seed=0, epochs=1, batch=64, learning_rate=0.002, bfloat16=False)


def test_real_images_cannot_be_told_from_real_ones_and_noisy_ones_can(digits) -> None:  # type: ignore[no-untyped-def]
    real = np.concatenate([digits.validation.images, digits.train.images[4000:5000]])
    alike = two_sample(real, digits.train.images[:2000], digits.test.images, LESSONS)
    assert alike.interval.low - 0.05 < 0.5 < alike.interval.high + 0.05
    assert alike.held_out == 1200
    noise = np.random.default_rng(0).normal(0, 60, real.shape)
    noisy = np.clip(real + noise, 0, 255).astype(np.uint8)
    told = two_sample(noisy, digits.train.images[:2000], digits.test.images, LESSONS)
    assert told.interval.low > 0.9


@pytest.mark.slow
def test_wrong_labels_teach_nothing_and_right_ones_as_much_as_real_images(  # type: ignore[no-untyped-def]
    digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_classifiers, "SEEDS", 1)
    train, test = digits.train, digits.test
    real = train.images[:2000], train.labels[:2000]
    held_out = test.images[:1000], test.labels[:1000]
    names = tuple("0123456789")
    fair = accuracy_score(
        (train.images[2000:4000], train.labels[2000:4000]), real, held_out, names, LESSONS
    )
    assert fair.ratio == pytest.approx(1, abs=0.08)
    wrong = accuracy_score(
        (train.images[2000:4000], (train.labels[2000:4000] + 1) % 10),
        real,
        held_out,
        names,
        LESSONS,
    )
    assert wrong.ratio < 0.2
    assert len(wrong.from_samples) == len(wrong.from_real) == 1


def test_the_ratio_has_an_interval_over_seeds() -> None:
    score = AccuracyScore((0.8, 0.82, 0.84), (0.9, 0.9, 0.9))
    assert score.ratio == pytest.approx(0.82 / 0.9)
    half = 4.302652729749464 * np.std([0.8 / 0.9, 0.82 / 0.9, 0.84 / 0.9], ddof=1) / 3**0.5
    assert score.interval.bounds == pytest.approx([score.ratio - half, score.ratio + half])


def test_too_few_images_are_refused(digits) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match="300 samples"):
        two_sample(digits.train.images[:300], digits.train.images, digits.test.images, LESSONS)
