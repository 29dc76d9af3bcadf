"""A generator as a list of simple operations, from which a format without Keras is written.

The list follows from the configuration that Keras gives of a functional model. A layer that is
not known here is refused by its name.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from ganflow.base.errors import GanflowError


@dataclass(frozen=True)
class Operation:
    """One step from named arrays to another one.

    Attributes:
        kind: a key of `KINDS`.
        inputs: names of arrays, `latents` and `labels` among them.
        options: numbers and lists of numbers.
        weights: float32 arrays. A kernel of either convolution is (rows, columns, in, out).
    """

    kind: str
    output: str
    inputs: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)


KINDS = {
    "add": "the sum of two arrays of one shape",
    "affine": "times `scale` plus `bias`, each (channels,)",
    "clip": "to [−1, 1]",
    "concat_one_hot": "latents and a label, with the label one-hot among `classes` beside them",
    "conv": "convolution with `strides`, padding as TensorFlow's SAME, `kernel` and `bias`",
    "conv_transpose": "its transpose: maps are `strides` times as large",
    "crop": "the middle of `size` (rows, columns)",
    "dense": "times `kernel` (in, out) plus `bias`",
    "leaky_relu": "max(x, `slope`·x)",
    "reshape": "to `shape` without the batch",
    "sigmoid": "1 / (1 + exp(−x))",
    "silu": "x·sigmoid(x)",
    "tanh": "",
    "upsample": "each pixel becomes `factor` (rows, columns) pixels",
}
"""Maps are (N, rows, columns, channels)."""

INPUTS = ("latents", "labels")

Step = tuple[str, dict[str, Any], dict[str, np.ndarray]]
"""A kind, its options and its weights."""

Configuration = Mapping[str, Any]
Weights = Mapping[str, np.ndarray]


def operations_of(model: keras.Model) -> list[Operation]:
    """The operations of a functional generator; the last one makes its images.

    Raises:
        GanflowError: it has a layer, or a layer with options, that is not known here.
    """
    own = {one.name: one for one in model.layers}
    configuration = model.get_config()
    inputs_of_model = configuration["input_layers"]  # each a name and two numbers, or such a one
    if isinstance(inputs_of_model[0], str):
        inputs_of_model = [inputs_of_model]
    arrays = dict(zip((name for name, *_ in inputs_of_model), INPUTS, strict=False))
    found: list[Operation] = []
    for layer in configuration["layers"]:  # each after those that it is called with
        name = layer["config"]["name"]
        if name in arrays:
            continue
        weights = {one.name: np.asarray(one) for one in own[name].weights} if name in own else {}
        steps = _steps(layer, weights)
        inputs = tuple(arrays[argument] for argument, _ in _arguments(layer["inbound_nodes"]))
        for kind, options, step_weights in steps:
            found.append(Operation(kind, f"{name}/{kind}", inputs, options, step_weights))
            inputs = (found[-1].output,)
        arrays[name] = inputs[0]
    return list(_folded(found))


def _arguments(value: Any) -> Iterator[tuple[str, list[int | None]]]:
    """The arrays that a layer is called with: the layers that they are from, and their shapes."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        yield value["config"]["keras_history"][0], value["config"]["shape"]
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _arguments(inner)


def _steps(layer: Configuration, weights: Weights) -> list[Step]:
    kind, name, calls = layer["class_name"], layer["config"]["name"], layer["inbound_nodes"]
    if kind not in LAYERS:
        raise _unknown(f"a layer `{kind}`", name)
    steps = LAYERS[kind](layer["config"], weights)
    if steps is None or len(calls) != 1 or set(calls[0]["kwargs"]) - {"training"}:
        raise _unknown(f"a layer `{kind}` with options that are not among those known here", name)
    shapes = [shape for _, shape in _arguments(calls)]
    if len(shapes) != 1 + (kind in ("Add", "ConcatOneHot")):
        raise _unknown(f"a layer `{kind}` of {len(shapes)} arrays", name)
    if kind == "Add" and shapes[0] != shapes[1]:
        raise _unknown(f"a layer `{kind}` of arrays of several shapes", name)
    return steps


def _unknown(what: str, name: str) -> GanflowError:
    return GanflowError(
        f"this format has no place for {what}",
        where=f"the generator's layer `{name}`",
        expected=f"of Keras and ganflow: {', '.join(sorted(LAYERS))}",
        run="ganflow export saved_model FOLDER, which takes every layer",
    )


def _folded(operations: list[Operation]) -> Iterator[Operation]:
    """The operations, with normalisation in the kernel before it where nothing else reads that."""
    uses = Counter(name for operation in operations for name in operation.inputs)
    last = operations[0]
    for operation in operations[1:]:
        follows = operation.inputs == (last.output,) and uses[last.output] == 1
        if follows and operation.kind == "affine" and "kernel" in last.weights:
            scale, bias = operation.weights["scale"], operation.weights["bias"]
            weights = {
                "kernel": last.weights["kernel"] * scale,
                "bias": last.weights["bias"] * scale + bias,
            }
            last = replace(last, output=operation.output, weights=weights)
        else:
            yield last
            last = operation
    yield last


def _activated(steps: list[Step], configuration: Configuration) -> list[Step] | None:
    activation = str(configuration.get("activation") or "linear")
    return None if activation not in ACTIVATIONS else steps + ACTIVATIONS[activation]


def _kernel(kernel: np.ndarray, weights: Weights) -> dict[str, np.ndarray]:
    bias = weights.get("bias", np.zeros(kernel.shape[-1], np.float32))
    return {"kernel": kernel, "bias": bias}


def _dense(configuration: Configuration, weights: Weights) -> list[Step] | None:
    return _activated([("dense", {}, _kernel(weights["kernel"], weights))], configuration)


def _convolution(configuration: Configuration, weights: Weights) -> list[Step] | None:
    transposed = "output_padding" in configuration
    usual: dict[str, Any] = {"padding": "same", "groups": 1, "data_format": "channels_last"}
    usual |= {"dilation_rate": (1, 1), "output_padding": None}
    for option, value in usual.items():
        found = configuration.get(option, value)
        if (tuple(found) if isinstance(found, list) else found) != value:
            return None
    kernel = weights["kernel"].swapaxes(2, 3) if transposed else weights["kernel"]
    kind = "conv_transpose" if transposed else "conv"
    options = {"strides": list(configuration["strides"])}
    return _activated([(kind, options, _kernel(kernel, weights))], configuration)


def _batch_norm(configuration: Configuration, weights: Weights) -> list[Step]:
    scale = weights["scale"] / np.sqrt(weights["variance"] + np.float32(configuration["epsilon"]))
    bias = weights["offset"] - weights["mean"] * scale
    return [("affine", {}, {"scale": scale, "bias": bias})]


def _relu(configuration: Configuration, _: Weights) -> list[Step] | None:
    if configuration.get("max_value") is not None or configuration.get("threshold"):
        return None
    return [("leaky_relu", {"slope": float(configuration.get("negative_slope") or 0)}, {})]


def _leaky_relu(configuration: Configuration, _: Weights) -> list[Step]:
    names = ("slope", "negative_slope")  # ganflow's and Keras's
    [slope] = [configuration[name] for name in names if name in configuration]
    return [("leaky_relu", {"slope": float(slope)}, {})]


def _upsampling(configuration: Configuration, _: Weights) -> list[Step] | None:
    if configuration["interpolation"] != "nearest":
        return None
    return [("upsample", {"factor": list(configuration["size"])}, {})]


def _plain(kind: str, **options: Any) -> Callable[[Configuration, Weights], list[Step]]:
    return lambda configuration, weights: [(kind, options, {})]


ACTIVATIONS: dict[str, list[Step]] = {
    "linear": [],
    "leaky_relu": [("leaky_relu", {"slope": 0.2}, {})],
    "relu": [("leaky_relu", {"slope": 0.0}, {})],
    "sigmoid": [("sigmoid", {}, {})],
    "silu": [("silu", {}, {})],
    "tanh": [("tanh", {}, {})],
}

LAYERS: dict[str, Callable[[Configuration, Weights], list[Step] | None]] = {
    "Activation": lambda configuration, weights: _activated([], configuration),
    "Add": _plain("add"),
    "BatchNorm": _batch_norm,
    "CentreCrop": lambda configuration, weights: [
        ("crop", {"size": [configuration["height"], configuration["width"]]}, {})
    ],
    "Clip": _plain("clip"),
    "ConcatOneHot": lambda configuration, weights: [
        ("concat_one_hot", {"classes": configuration["classes"]}, {})
    ],
    "Conv2D": _convolution,
    "Conv2DTranspose": _convolution,
    "Dense": _dense,
    "Dropout": lambda configuration, weights: [],
    "LeakyRelu": _leaky_relu,
    "LeakyReLU": _leaky_relu,
    "ReLU": _relu,
    "Relu": _plain("leaky_relu", slope=0.0),
    "Reshape": lambda configuration, weights: [
        ("reshape", {"shape": list(configuration["target_shape"])}, {})
    ],
    "Sigmoid": _plain("sigmoid"),
    "Silu": _plain("silu"),
    "Tanh": _plain("tanh"),
    "UpSampling2D": _upsampling,
    "UpsampleNearest": _plain("upsample", factor=[2, 2]),
}
"""By class: layers of Keras and ganflow, and functions of keras.ops. Where options are not among
those known here, the answer is None."""
