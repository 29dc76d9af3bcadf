"""What a stranger would do with an exported file: load it and ask for images.

`python -m ganflow.export.reading FORM PATH` takes latents and labels as JSON, and gives pixels, or
images in [−1, 1] for onnx.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def saved_model(path: Path, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    serve: Any = tf.saved_model.load(str(path)).signatures["serving_default"]
    asked = {"latents": tf.constant(latents), "labels": tf.constant(labels)}
    _, names = serve.structured_input_signature
    return np.asarray(serve(**{name: asked[name] for name in names})["images"])


def keras(path: Path, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
    from keras.saving import load_model

    from ganflow.gan.networks import layers  # noqa: F401 registers the layers by their names
    from ganflow.gan.saved import images_of, to_pixels

    model = load_model(path)
    return np.asarray(to_pixels(images_of(model, len(model.inputs) - 1, latents, labels)))


def onnx(path: Path, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Images, float32 in [−1, 1]; nothing here needs TensorFlow."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    asked = {"latents": latents, "labels": labels}
    names = {one.name for one in session.get_inputs()}
    [images] = session.run(["images"], {name: asked[name] for name in names & asked.keys()})
    return np.asarray(images)


def card(path: Path, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
    from ganflow.gan.saved import load_generator

    return load_generator(path).images(latents, labels)


READERS = {"card": card, "keras": keras, "onnx": onnx, "saved_model": saved_model}


def main() -> None:
    form, path = sys.argv[1:]
    question = json.load(sys.stdin)
    latents = np.asarray(question["latents"], np.float32)
    images = READERS[form](Path(path), latents, np.asarray(question["labels"], np.int64))
    sys.stdout.buffer.write(images.tobytes())


if __name__ == "__main__":
    main()
