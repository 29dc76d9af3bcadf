"""What a training takes from the parameters and the prepared data."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import ParameterError
from ganflow.base.runtime import RuntimeParams
from ganflow.base.store import Store
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams
from ganflow.gan.checkpoint import training_key
from ganflow.gan.inputs import class_shares, design_for, training_inputs


def store(classes: int, shape: tuple[int, int, int] = (12, 10, 3)) -> Store:
    names = {"classes": [str(k) for k in range(classes)]} if classes else {}
    return Store(Path("nowhere"), {"shape": list(shape), **names})


@pytest.mark.parametrize(
    ("conditional", "classes", "expected"),
    [("auto", 4, 4), ("auto", 0, 0), (False, 4, 0), (True, 4, 4), (False, 0, 0)],
)
def test_labels_steer_where_they_are_wanted_and_there(
    conditional: bool, classes: int, expected: int
) -> None:
    design = design_for(ModelParams(conditional=conditional), store(classes))
    assert (design.classes, design.shape) == (expected, (12, 10, 3))


def test_asking_for_labels_that_are_not_there() -> None:
    with pytest.raises(ParameterError, match=r"model\.conditional") as error:
        design_for(ModelParams(conditional=True), store(0))
    assert error.value.expected is not None
    assert "auto" in error.value.expected


def test_class_shares() -> None:
    labels = np.array([0, 2, 2, 1])
    assert class_shares(labels, 3) == [0.25, 0.25, 0.5]
    assert class_shares(labels, 0) == []
    assert class_shares(None, 3) == []


def test_larger_images_get_thinner_networks_that_see_them_whole() -> None:
    small = design_for(ModelParams(), store(0, (28, 28, 1)))
    large = design_for(ModelParams(), store(0, (64, 48, 3)))
    assert (small.width, small.coarsest) == (32, 8)
    assert (large.width, large.coarsest) == (16, 4)
    assert design_for(ModelParams(width=24), store(0, (64, 48, 3))).width == 24


def test_an_edited_file_of_ones_own_is_another_training() -> None:
    """So it resumes from no checkpoint of the file as it was, and workers must have the same."""
    keys = {
        training_key(
            training_inputs(0, RuntimeParams(), ModelParams(), TrainParams(), store(0), files)
        )
        for files in ({}, {"nets.py": "1"}, {"nets.py": "2"}, {"other.py": "1"}, {"nets.py": "1"})
    }
    assert len(keys) == 4
