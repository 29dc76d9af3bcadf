"""What a project's own functions return is tried before a training starts."""

import re
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import GanflowError
from ganflow.base.files import sha256_of
from ganflow.config.model import ModelParams
from ganflow.config.train import Penalties, Penalty, TrainParams
from ganflow.gan.networks.build import weights_of
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.own import rebuilt
from ganflow.gan.own_code import BUILT_IN, OwnCode, own_code
from ganflow.gan.trainer import Trainer
from tests.gan.own_example import MODULE, write_module

BUILD, LOSS = f"{MODULE}:build", f"{MODULE}:loss"
R1 = Penalties(r1=Penalty(weight=1.0))
SHAPE = (8, 8, 1)


def tried(folder: Path, build: str = BUILD, loss: str = LOSS, classes: int = 2) -> OwnCode:
    model = ModelParams(architecture=build, latent=5)
    train = TrainParams(objective=loss, penalties=R1, batch=8, images=64, augmentation=[])
    return own_code(model, train, Design(build, SHAPE, classes, 5), "float32", folder)


def test_nothing_of_ones_own_is_nothing_to_try(tmp_path: Path) -> None:
    assert tried(tmp_path, "lean", "hinge") is BUILT_IN


@pytest.mark.parametrize("classes", [0, 3])
def test_the_example_trains_and_its_description_is_its_generator(
    classes: int, tmp_path: Path
) -> None:
    file = write_module(tmp_path)
    own = tried(tmp_path, classes=classes)
    assert own.files == {file.name: sha256_of(file)}
    train = TrainParams(objective=LOSS, penalties=R1, batch=8, images=64, augmentation=[])
    trainer = Trainer(Design(BUILD, SHAPE, classes, 5), train, "float32", 1, own)
    before = [variable.numpy() for variable in trainer.generator_adam.variables]
    images = np.random.default_rng(0).integers(0, 256, (16, *SHAPE)).astype(np.uint8)
    metrics = trainer.train_steps(images, np.zeros(16, np.int64), np.int64(0)).numpy()
    assert np.isfinite(metrics).all()
    after = [variable.numpy() for variable in trainer.generator_adam.variables]
    assert all((a != b).any() for a, b in zip(after, before, strict=True))

    assert own.layers is not None
    model = rebuilt(own.layers)
    for name, variable in weights_of(model).items():
        variable.assign(weights_of(trainer.averaged)[name])
    inputs = [np.ones((3, 5), np.float32), *([np.array([0, 1, 2])] if classes else [])]
    np.testing.assert_allclose(model(inputs), trainer.averaged(inputs), atol=1e-6)


def test_either_of_them_alone(tmp_path: Path) -> None:
    write_module(tmp_path)
    only_loss = tried(tmp_path, build="lean")
    assert (only_loss.build, only_loss.layers) == (None, None)
    only_build = tried(tmp_path, loss="hinge")
    assert only_build.loss is None
    assert only_build.layers


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        # losses
        ("return tf.reduce_mean(discriminator), ", "return discriminator, ", r"float32 \(4, 1\) a"),
        ("-tf.reduce_mean(fake)", "0.0", r"returns float32 \(\) and 0\.0"),
        ("-tf.reduce_mean(fake)", "tf.math.log(-tf.abs(tf.reduce_mean(fake)) - 1.0)", "loss: nan"),
        ("-tf.reduce_mean(fake)", "tf.reduce_mean(tf.round(fake))", "no gradient of the generator"),
        ("-tf.reduce_mean(fake)", "0.0 * tf.reduce_mean(fake)", "zero for all of its weights"),
        ("(discriminator), -", "(tf.stop_gradient(discriminator)), -", "no gradient of the discr"),
        ("def loss(real, fake)", "def loss(real)", "takes 1 positional argument but 2 were given"),
        # networks
        ("return generator, ", "return ", "returns a value of type Functional"),
        (
            "discriminator_head(design, images, x, policy)",
            "None",
            "discriminator that is a value of",
        ),
        ("(channels, 3", "(channels + 1, 3", r"to float32 \(None, 8, 8, 2\)"),
        ('Activation("tanh", dtype="float32")', "Rescaling(100.0)", r"pixels from -?\d"),
        ('Activation("tanh", dtype="float32")', 'Activation("tanh", dtype="float16")', "float16"),
        ("keras.ops.silu(BatchNorm(", "keras.ops.silu(keras.layers.BatchNormalization(", "average"),
        ("keras.ops.silu(B", "keras.layers.Lambda(lambda x: x)(B", "that a model cannot hold.*Lam"),
        (
            "Dense(rows * columns * 64, ",
            "Dense(rows * columns * 64, activation=loss, ",
            "builtins.loss",
        ),
        ("rows, columns, 64)", "rows, columns, 63)", "ValueError"),
    ],
)
def test_what_cannot_be_trained_is_said(replaced: str, by: str, said: str, tmp_path: Path) -> None:
    write_module(tmp_path, replaced, by)
    with pytest.raises(GanflowError) as raised:
        tried(tmp_path)
    assert re.search(said, raised.value.what), raised.value
    assert raised.value.expected
    assert MODULE in str(raised.value)


def test_the_line_of_a_failure_is_named(tmp_path: Path) -> None:
    text = write_module(tmp_path, "    return tf.reduce_mean(d", "    return tf.matmul(real, d")
    lines = text.read_text().splitlines()
    (line,) = [number for number, one in enumerate(lines, 1) if "tf.matmul" in one]
    with pytest.raises(GanflowError) as raised:
        tried(tmp_path)
    assert raised.value.where == f"{text}, line {line}"


def test_networks_that_differ_each_time_are_refused(tmp_path: Path) -> None:
    text = write_module(
        tmp_path,
        "    for filters in (64, 32):",
        "    WIDTHS.append(len(WIDTHS) + 8)\n    for filters in (WIDTHS[-1], 32):",
    )
    text.write_text(text.read_text() + "\n\nWIDTHS = []\n")
    with pytest.raises(GanflowError, match="another generator when it is built again"):
        tried(tmp_path)
