"""Features of Inception v3 (Szegedy et al. 2016), for natural images.

Its Fréchet distance is called `fid` and never `fd`: it is another number on other features. The
weights are Keras's for ImageNet, not those of Heusel et al. (2017), so that it is not to be held
beside published values either.
"""

from pathlib import Path

import numpy as np

from ganflow.base.errors import GanflowError
from ganflow.base.padded import padded_batches
from ganflow.base.progress import progress

SIDE = 299
FEATURES = 2048
BATCH = 50


def weights_file(folder: Path, name: str) -> Path:
    """The named file below `folder`, which it must not lead out of.

    Raises:
        GanflowError: if it is not there, with how to get it.
    """
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    if not inside or not path.is_file():
        raise GanflowError(
            "evaluation.features is `inception`, and its weights are "
            + ("not there" if inside else "outside the folder"),
            where=str(path),
            expected="Keras's ImageNet weights without the top layers, about 88 MB; "
            f"{folder / 'README.md'} says how to get them",
            run="copy the file there, or set evaluation.features: extractor",
        )
    return path


class Inception:
    """Inception v3 up to its last pooling."""

    def __init__(self, weights: Path) -> None:
        """Read weights.

        Raises:
            GanflowError: if the file holds no weights of this network.
        """
        import keras
        import tensorflow as tf

        model = keras.applications.InceptionV3(
            weights=None, include_top=False, pooling="avg", input_shape=(SIDE, SIDE, 3)
        )
        try:
            model.load_weights(weights)
        except (OSError, ValueError, KeyError) as error:
            raise GanflowError(
                f"no weights of Inception v3 without its top layers: {error}",
                where=str(weights),
                run="copy the right file there, or set evaluation.features: extractor",
            ) from None

        @tf.function  # type: ignore[untyped-decorator]
        def describe(images: tf.Tensor) -> tf.Tensor:
            grown = tf.image.resize(tf.cast(images, tf.float32), (SIDE, SIDE), antialias=True)
            if grown.shape[-1] == 1:
                grown = tf.image.grayscale_to_rgb(grown)
            return model(grown / 127.5 - 1.0, training=False)

        self._describe = describe

    def describe(self, images: np.ndarray) -> np.ndarray:
        """Features (N, 2048), float32, of 8-bit images (N, h, w, 1 or 3)."""
        features = np.empty((len(images), FEATURES), np.float32)
        with progress("inception", len(images)) as shown:
            for rows, (batch,) in padded_batches(BATCH, images):
                features[rows] = self._describe(batch)[: rows.stop - rows.start]
                shown.advance(rows.stop - rows.start)
        return features
