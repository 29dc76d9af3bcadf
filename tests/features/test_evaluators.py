"""How the classifiers learn whose features measure every model."""

import pytest

from ganflow.config.extractor import ExtractorParams
from ganflow.features.classifier import epochs_for
from ganflow.features.evaluators import FEW, lessons_for


@pytest.mark.parametrize(("images", "augmented"), [(500, True), (FEW - 1, True), (FEW, False)])
def test_few_images_are_seen_augmented_for_twice_the_epochs(images: int, augmented: bool) -> None:
    found = lessons_for(ExtractorParams(epochs="auto"), images, 3)
    assert found.augment is augmented
    assert found.epochs == epochs_for(images) * (2 if augmented else 1)
    assert found.seed == 3


def test_epochs_of_params_yaml_are_kept() -> None:
    assert lessons_for(ExtractorParams(epochs=5), 500, 0).epochs == 5
