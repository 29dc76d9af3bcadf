"""A generator's layers become operations, and one that is not known is refused by name."""

import keras
import numpy as np
import pytest

from ganflow.base.errors import GanflowError
from ganflow.export.operations import KINDS, operations_of
from ganflow.gan.networks.build import ARCHITECTURES, build_generator
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm
from tests.export.models import own_design


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_has_nothing_else(architecture: str) -> None:
    found = operations_of(build_generator(Design(architecture, (20, 12, 3), 3, 6, mapping=2)))
    known = {"latents", "labels"}
    for operation in found:
        assert operation.kind in KINDS
        assert set(operation.inputs) <= known
        known.add(operation.output)
    assert found[-1].kind in ("tanh", "clip")


def test_normalisation_is_in_the_kernel_before_it_unless_that_is_read_elsewhere() -> None:
    latents = keras.Input((4,))
    x = keras.layers.Dense(3)(latents)
    alone = operations_of(keras.Model([latents], BatchNorm()(x)))
    assert [operation.kind for operation in alone] == ["dense"]
    twice = operations_of(keras.Model([latents], keras.layers.Add()([x, BatchNorm()(x)])))
    assert [operation.kind for operation in twice] == ["dense", "affine", "add"]


def test_a_kernel_of_a_transposed_convolution_has_its_inputs_before_its_outputs() -> None:
    images = keras.Input((4, 4, 2))
    layer = keras.layers.Conv2DTranspose(3, 5, padding="same")
    [operation] = operations_of(keras.Model([images], layer(images)))
    assert operation.weights["kernel"].shape == (5, 5, 2, 3)
    assert np.array_equal(operation.weights["kernel"][1, 2].T, np.asarray(layer.kernel)[1, 2])


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (keras.layers.LayerNormalization(), "LayerNormalization"),
        (keras.layers.Conv2D(2, 3), "Conv2D"),
        (keras.layers.Conv2D(2, 3, padding="same", dilation_rate=2), "Conv2D"),
        (keras.layers.Conv2DTranspose(2, 3, padding="same", activation="gelu"), "Conv2DTranspose"),
        (keras.layers.ReLU(max_value=6), "ReLU"),
        (keras.layers.UpSampling2D(2, interpolation="bilinear"), "UpSampling2D"),
    ],
)
def test_a_layer_that_is_not_known_is_named(layer: keras.layers.Layer, named: str) -> None:
    images = keras.Input((4, 4, 2))
    with pytest.raises(GanflowError, match=f"`{named}`") as error:
        operations_of(keras.Model([images], layer(images)))
    assert f"`{layer.name}`" in str(error.value)


def test_arguments_that_are_no_arrays_and_shared_layers_are_refused() -> None:
    latents = keras.Input((4,))
    with pytest.raises(GanflowError, match="`Add`"):
        operations_of(keras.Model([latents], keras.ops.add(latents, 1.0)))
    wider = keras.layers.Add()([latents, keras.layers.Dense(1)(latents)])
    with pytest.raises(GanflowError, match="several shapes"):
        operations_of(keras.Model([latents], wider))
    dense = keras.layers.Dense(4)
    with pytest.raises(GanflowError, match="`Dense`"):
        operations_of(keras.Model([latents], dense(dense(latents))))


def test_the_other_layers_are_known() -> None:
    kinds = {operation.kind for operation in operations_of(own_design()[1])}
    assert {"add", "affine", "crop", "leaky_relu", "sigmoid", "silu", "tanh", "upsample"} <= kinds
