"""Networks of a project's own function, and a generator as a description that holds no code.

A model's folder is read by whoever has it: by other stages, by the studio, at other revisions. So
it never holds code. A generator of one's own is kept as the configuration of its Keras layers, and
is built again from these.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from ganflow.base.errors import DataError, GanflowError
from ganflow.gan.networks.conditioning import MAPPED
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm

Build = Callable[[Design, keras.DTypePolicy], tuple[keras.Model, keras.Model]]
"""From a design and a policy of precision to a generator and a discriminator."""

MODULES = (
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.regularizers",
    "keras.src.models.functional",
    "keras.src.ops.",
    BatchNorm.__module__,
)
"""Whose classes a description may name: a name that ends in a dot stands for all below it."""

RUNS_CODE = (
    "FlaxLayer",
    "JaxLayer",
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
    "__lambda__",
    "function",
)
"""What carries code, reads it from a file or names it. Activations are named by text."""


def own_networks(
    build: Build, design: Design, policy: keras.DTypePolicy
) -> tuple[keras.Model, keras.Model]:
    """The generator and the discriminator that a project's function returns, with their inputs in
    lists, as those that are built in have them.

    Raises:
        GanflowError: they are no models, or their inputs or outputs have another shape or type.
    """
    pair = build(design, policy)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise _wrong(design, f"returns {_named(pair)}", "a generator and a discriminator: a tuple")
    labels = [((None,), "int64")] if design.classes else []
    latents, images = ((None, design.latent), "float32"), ((None, *design.shape), "float32")
    logits = ((None, 1), "float32")
    generator, discriminator = pair
    generator = _checked(generator, "generator", [latents, *labels], images, design)
    if design.mapping and MAPPED not in [layer.name for layer in generator.layers]:
        raise _wrong(
            design,
            f"has no layer `{MAPPED}`, while model.mapping is {design.mapping}",
            "a layer of that name whose output is the mapped latent, or model.mapping: 0",
        )
    return generator, _checked(discriminator, "discriminator", [images, *labels], logits, design)


def _checked(
    model: Any,
    role: str,
    inputs: list[tuple[tuple[int | None, ...], str]],
    output: tuple[tuple[int | None, ...], str],
    design: Design,
) -> keras.Model:
    """The model with its inputs in a list; each is given as shape and type."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise _wrong(design, f"has a {role} that is {_named(model)}", "keras.Model(inputs, output)")
    found = [(tuple(tensor.shape), tensor.dtype) for tensor in (*model.inputs, *model.outputs)]
    if found != [*inputs, output]:
        raise _wrong(
            design,
            f"has a {role} from {_words(found[:-1])} to {_words(found[-1:])}",
            f"from {_words(inputs)} to {_words([output])}, None being the batch",
        )
    return keras.Model(list(model.inputs), model.outputs[0], name=role)


def _wrong(design: Design, found: str, expected: str) -> GanflowError:
    return GanflowError(
        f"model.architecture: {design.architecture} {found}",
        where=f"what {design.architecture} returns",
        expected=expected,
        run="mend it, then dvc repro train",
    )


def _named(value: Any) -> str:
    return f"a value of type {type(value).__name__}"


def _words(tensors: list[tuple[tuple[int | None, ...], str]]) -> str:
    return " and ".join(f"{dtype} {shape}" for shape, dtype in tensors)


def described(generator: keras.Model, design: Design) -> dict[str, Any]:
    """The generator's layers as JSON values, without its weights.

    Raises:
        GanflowError: a layer is none of Keras's or ganflow's own, carries code, or has weights that
            neither train nor are moments of `BatchNorm`.
    """
    moments = {
        id(weight)
        for layer in generator.layers
        if isinstance(layer, BatchNorm)
        for weight in layer.non_trainable_weights
    }
    if other := [w.path for w in generator.non_trainable_weights if id(w) not in moments]:
        raise _wrong(
            design,
            f"has a generator with weights that do not train, which cannot be averaged: {other[0]}",
            f"for normalisation, {BatchNorm.__module__}.BatchNorm, not inside another model",
        )
    try:
        # As a file has it: without tuples, for one.
        description = json.loads(json.dumps(keras.saving.serialize_keras_object(generator)))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise _wrong(
            design, f"has a generator that Keras cannot describe: {error}", _ALLOWED
        ) from (error)
    if refused := sorted(set(_refused(description))):
        raise _wrong(
            design, f"has a generator that a model cannot hold: {', '.join(refused)}", _ALLOWED
        )
    return dict(description)


_ALLOWED = "layers and functions of keras.layers, keras.ops and ganflow.gan.networks.layers"


def rebuilt(description: Mapping[str, Any]) -> keras.Model:
    """The generator of a description, with other weights.

    Raises:
        DataError: it names a class that could run code, or Keras cannot read it.
    """
    if refused := sorted(set(_refused(description))):
        raise DataError(
            f"the model names what is no layer of Keras or ganflow: {', '.join(refused)}",
            where="card.json",
            expected=_ALLOWED,
            run="dvc checkout data/model, or dvc repro train",
        )
    try:
        # Keras takes things out of what it reads.
        own = copy.deepcopy(dict(description))
        return keras.saving.deserialize_keras_object(own, safe_mode=True)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"Keras {keras.__version__} cannot build the generator: {error}",
            where="card.json",
            expected="the version of Keras that the card names",
            run="dvc checkout data/model, or dvc repro train",
        ) from error


def _refused(value: Any) -> Iterator[str]:
    """The classes and functions in a description that are not allowed there."""
    if isinstance(value, Mapping):
        name, module = value.get("class_name"), value.get("module")
        allowed = any(
            str(module).startswith(known) if known.endswith(".") else module == known
            for known in MODULES
        )
        data = module is None and str(name).startswith("__")  # such as a tensor's place
        if name is not None and (name in RUNS_CODE or not (allowed or data)):
            yield f"{module}.{value.get('config') if name == 'function' else name}"
    for inner in value.values() if isinstance(value, Mapping) else value:
        if isinstance(inner, Mapping | list | tuple):
            yield from _refused(inner)
