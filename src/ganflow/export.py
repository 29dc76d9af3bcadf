"""A trained generator in the formats that others read: `.keras` and TensorFlow's SavedModel.

Each file is checked as its reader would meet it: a fresh process loads it, without this
process's state, and must make the same pixels.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tensorflow as tf

from ganflow.base.errors import DataError
from ganflow.base.files import whole_folder
from ganflow.gan.saved import SavedGenerator, images_of, load_generator, to_pixels

Format = Literal["keras", "saved_model"]

KERAS_NAME = "generator.keras"
CHECKED = 16
"""Images made by both sides of the check."""

TOLERANCE = 1
"""How far a pixel of 256 levels may be off: another process may round the other way."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its pixels were from the generator's, at most."""

    path: Path
    difference: int


def export(model: Path, target: Path, form: Format) -> Exported:
    """Write the generator in folder `model` to `target` in another format, and check it.

    Args:
        target: a folder. `keras` puts `generator.keras` into it, which
            `keras.saving.load_model` reads once `ganflow.gan.networks.layers` is imported;
            `saved_model` makes it `target/1`, the layout that TensorFlow Serving takes.

    Raises:
        DataError: if there is something at `target`, if the model cannot be read, or if what was
            written makes other pixels.
    """
    if target.exists():
        raise DataError(
            "there is something here already, which an export would replace",
            where=str(target),
            expected="a folder that does not exist yet",
            run=f"ganflow export {form} {target}-new",
        )
    generator = load_generator(model)
    with whole_folder(target) as folder:
        path = folder / (KERAS_NAME if form == "keras" else "1")
        if form == "keras":
            generator.model.save(path)
        else:
            save_for_serving(generator, path)
        difference = check(generator, path, form)
        if difference > TOLERANCE:
            raise DataError(
                f"the exported generator's pixels differ by up to {difference} of 255",
                where=str(target),
                expected=f"at most {TOLERANCE}",
                run="report this with the versions that `pip freeze` prints",
            )
    return Exported(target / path.name, difference)


def save_for_serving(generator: SavedGenerator, path: Path) -> None:
    """Write a SavedModel: `latents`, and `labels` with classes, to `images` uint8 NHWC."""
    latents = tf.TensorSpec((None, generator.latent), tf.float32, name="latents")
    labels = tf.TensorSpec((None,), tf.int64, name="labels")
    holder = tf.Module()
    holder.model = generator.model  # so that its variables are saved

    @tf.function(input_signature=[latents, labels] if generator.classes else [latents])  # type: ignore[untyped-decorator]
    def serve(latents: tf.Tensor, labels: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        images = images_of(generator.model, generator.classes, latents, labels)
        return {"images": to_pixels(images)}

    tf.saved_model.save(holder, str(path), signatures={"serving_default": serve})


def check(generator: SavedGenerator, path: Path, form: Format) -> int:
    """The largest difference of a pixel when a fresh process loads `path`."""
    latents, labels = _asked(generator.latent, generator.classes)
    expected = generator.images(latents, labels if generator.classes else None)
    question = {"latent": generator.latent, "classes": generator.classes, "form": form}
    answer = subprocess.run(
        [sys.executable, "-m", "ganflow.export", str(path), json.dumps(question)],
        capture_output=True,
        check=False,
    )
    if answer.returncode:
        raise DataError(
            "a fresh process cannot load the exported generator: "
            + answer.stderr.decode(errors="replace").strip().splitlines()[-1],
            where=str(path),
            expected="a file that Keras and TensorFlow of this version read back",
            run="report this with the versions that `pip freeze` prints",
        )
    found = np.frombuffer(answer.stdout[-expected.size :], np.uint8).reshape(expected.shape)
    return int(np.abs(found.astype(int) - expected).max())


def load_and_make(path: Path, form: Format, latent: int, classes: int) -> np.ndarray:
    """What a stranger would do: load the file and ask for the images of the check, uint8."""
    latents, labels = (tf.constant(array) for array in _asked(latent, classes))
    if form == "saved_model":
        serve = tf.saved_model.load(str(path)).signatures["serving_default"]
        asked = {"latents": latents, **({"labels": labels} if classes else {})}
        return np.asarray(serve(**asked)["images"])
    import keras

    from ganflow.gan.networks import layers  # noqa: F401 registers the layers by their names

    model = keras.saving.load_model(path)
    return np.asarray(to_pixels(images_of(model, classes, latents, labels)))


def _asked(latent: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(0)
    latents = numbers.standard_normal((CHECKED, latent), np.float32)
    return latents, np.arange(CHECKED, dtype=np.int64) % max(classes, 1)


if __name__ == "__main__":
    asked = json.loads(sys.argv[2])
    images = load_and_make(Path(sys.argv[1]), asked["form"], asked["latent"], asked["classes"])
    sys.stdout.buffer.write(images.tobytes())
