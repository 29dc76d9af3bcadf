"""Inception's weights come from one folder, and what it sees is what Keras's own network sees."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import GanflowError
from ganflow.metrics import inception
from ganflow.metrics.inception import Inception, weights_file


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
def test_features_are_those_of_keras_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the format of the file that Keras publishes, and in the one it writes today."""
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    monkeypatch.setattr(inception, "BATCH", 4)
    keras.utils.set_random_seed(0)
    plain = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg")
    for weight in plain.weights:  # else signals would fade from layer to layer
        if weight.path.endswith("moving_variance"):
            weight.assign(np.full(weight.shape, 0.4))
    with h5py.File(tmp_path / "published.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, plain)
    plain.save_weights(tmp_path / "today.weights.h5")

    images = np.random.default_rng(0).integers(0, 256, (6, 299, 299, 3)).astype(np.uint8)
    prepared = keras.applications.inception_v3.preprocess_input(images.astype(np.float32))
    expected = plain.predict(prepared, verbose=0)
    assert expected.std() > 0.01
    for name in ("published.h5", "today.weights.h5"):
        seen = Inception(tmp_path / name).describe(images)
        assert (seen.shape, seen.dtype) == ((6, 2048), np.float32)
        np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-5)

    grey = np.random.default_rng(1).integers(0, 256, (3, 28, 28, 1)).astype(np.uint8)
    found = Inception(tmp_path / "published.h5")
    np.testing.assert_allclose(
        found.describe(grey), found.describe(np.repeat(grey, 3, axis=-1)), rtol=1e-4, atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["text", "empty", "with the top layers"])
def test_other_files_are_refused_by_name(tmp_path: Path, wrong: str) -> None:
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    path = tmp_path / "wrong.h5"
    if wrong == "text":
        path.write_bytes(b"no weights")
    else:
        with h5py.File(path, "w") as file:
            if wrong != "empty":
                whole = keras.applications.InceptionV3(weights=None)
                legacy_h5_format.save_weights_to_hdf5_group(file, whole)
    with pytest.raises(GanflowError, match=r"(?s)no weights of Inception.*wrong\.h5"):
        Inception(path)
