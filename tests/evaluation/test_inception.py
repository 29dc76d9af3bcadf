"""Inception's weights come from one folder, and their absence is explained."""

from pathlib import Path

import pytest

from ganflow.errors import GanflowError
from ganflow.evaluation.inception import Inception, weights_file


def test_missing_weights_are_explained(tmp_path: Path) -> None:
    with pytest.raises(GanflowError) as caught:
        weights_file(tmp_path, "inception_v3_notop.h5")
    said = str(caught.value)
    assert str(tmp_path / "inception_v3_notop.h5") in said
    assert "README.md" in said
    assert "evaluation.features: extractor" in said


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.h5"
    outside.write_bytes(b"x")
    folder = tmp_path / "inception"
    folder.mkdir()
    (folder / "w.h5").symlink_to(outside)
    with pytest.raises(GanflowError, match="outside the folder"):
        weights_file(folder, "w.h5")
    (folder / "own.h5").write_bytes(b"x")
    assert weights_file(folder, "own.h5") == folder / "own.h5"


@pytest.mark.slow
def test_weights_are_read_and_others_refused(tmp_path: Path) -> None:
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    model = keras.applications.InceptionV3(
        weights=None, include_top=False, pooling="avg", input_shape=(299, 299, 3)
    )
    model.save_weights(tmp_path / "right.weights.h5")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype(np.uint8)
    seen = Inception(tmp_path / "right.weights.h5").describe(images)
    assert seen.shape == (3, 2048)
    assert np.isfinite(seen).all()
    (tmp_path / "wrong.weights.h5").write_bytes(b"no weights")
    with pytest.raises(GanflowError, match=r"wrong\.weights\.h5"):
        Inception(tmp_path / "wrong.weights.h5")
