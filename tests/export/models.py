"""Small generators on disk."""

from pathlib import Path

import keras

from ganflow.gan.networks.build import build_discriminator, build_generator
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm, CentreCrop, ConcatOneHot
from ganflow.gan.networks.own import described
from ganflow.gan.saved import save_networks


def saved(folder: Path, design: Design, generator: keras.Model | None = None) -> Path:
    """A model's folder, with weights under which every layer matters."""
    keras.utils.set_random_seed(4)
    own = generator
    generator = generator or build_generator(design)
    for weight in generator.weights:
        if weight.path.endswith("variance"):
            weight.assign(weight + 0.5)
        else:
            weight.assign(weight + 0.02 * keras.random.normal(weight.shape))
    card = {
        "design": {
            "architecture": design.architecture,
            "shape": list(design.shape),
            "classes": design.classes,
            "latent": design.latent,
            "mapping": design.mapping,
        },
        "class_names": [f"<{i}>" for i in range(design.classes)],
        "class_shares": [1 / max(design.classes, 1)] * design.classes,
        **({"layers": described(own, design)} if own else {}),
    }
    discriminator = build_discriminator(design) if not own else keras.Model(own.inputs, own.outputs)
    save_networks(folder, generator, discriminator, card)
    return folder


def own_design() -> tuple[Design, keras.Model]:
    """A generator with the other layers that an export knows."""
    latents = keras.Input((5,))
    labels = keras.Input((), dtype="int64")
    x = ConcatOneHot(2)(latents, labels)
    x = keras.layers.Dense(4 * 3 * 6, activation="leaky_relu")(x)
    x = BatchNorm()(x)
    x = keras.ops.silu(keras.layers.Reshape((4, 3, 6))(x))
    x = keras.layers.UpSampling2D((3, 2))(x)
    x = x + keras.layers.Conv2D(6, (3, 2), padding="same", activation="sigmoid")(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Conv2D(4, 3, strides=(2, 1), padding="same")(x)
    x = BatchNorm()(x)
    x = keras.layers.ReLU(negative_slope=0.1)(x)
    x = keras.layers.Conv2DTranspose(4, (1, 3), strides=(2, 3), padding="same")(x)
    x = CentreCrop(11, 16)(keras.ops.leaky_relu(x, 0.3))
    x = keras.ops.tanh(keras.layers.Conv2D(3, 5, padding="same")(x))
    return Design("own:build", (11, 16, 3), 2, 5), keras.Model([latents, labels], x)
