"""The evaluator's id names what a number was measured with, and nothing else."""

import numpy as np

from ganflow.base.store import Split
from ganflow.metrics.evaluation import evaluator_id


def test_the_evaluator_changes_with_weights_images_and_labels() -> None:
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)
    labels = np.array([0, 1])
    first = evaluator_id(["a", "b"], Split(images, labels))
    others = (
        evaluator_id(["a", "c"], Split(images, labels)),
        evaluator_id(["a", "b"], Split(images[::-1], labels)),
        evaluator_id(["a", "b"], Split(images, labels[::-1])),
        evaluator_id(["a", "b"], Split(images, None)),
    )
    assert len({first, *others}) == 5
    assert evaluator_id(["a", "b"], Split(images.copy(), labels.copy())) == first
