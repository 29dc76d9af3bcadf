"""A generator as an ONNX file: Keras' exporter, and what it leaves out."""

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import tf2onnx  # noqa: F401 Keras exports with it, and says less where it is missing
from onnx import helper, numpy_helper

from ganflow.base.files import write_bytes
from ganflow.gan.saved import SavedGenerator
from ganflow.marks import blank, sealed

DRAWN = "latents"


def write_onnx(generator: SavedGenerator, identity: str, path: Path) -> None:
    """Write inputs `latents` float32 (N, latent), with classes `labels` int64 (N,), and
    `truncation` float32 (), 1 if it is left out; outputs `images` float32 NHWC in [−1, 1].

    Args:
        identity: of the model, as `ganflow.marks.identity` gives it.
    """
    inputs = [keras.Input((generator.latent,), name=DRAWN)]
    if generator.classes:
        inputs.append(keras.Input((), dtype="int64", name="labels"))
    model = keras.Model(inputs, generator.model(inputs))
    model([np.zeros((1, *one.shape[1:]), one.dtype) for one in inputs])  # the exporter asks for it
    model.export(path, format="onnx", verbose=False)
    written = onnx.load(path)
    _truncate(written.graph)
    _name_output(written.graph)
    helper.set_model_props(
        written,
        {"ganflow": blank(identity), "classes": json.dumps(generator.card.get("class_names", []))},
    )
    onnx.checker.check_model(written, full_check=True)
    write_bytes(path, sealed(written.SerializeToString()))


def _truncate(graph: onnx.GraphProto) -> None:
    """Multiply the latents by an input that has a default."""
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == DRAWN:
                node.input[place] = "truncated"
    graph.node.insert(0, helper.make_node("Mul", [DRAWN, "truncation"], ["truncated"]))
    graph.input.append(helper.make_tensor_value_info("truncation", onnx.TensorProto.FLOAT, []))
    graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), "truncation"))


def _name_output(graph: onnx.GraphProto) -> None:
    [output] = graph.output
    graph.node.append(helper.make_node("Identity", [output.name], ["images"]))
    output.name = "images"
