"""The trial of own code accepts what is built in, penalties and precision included."""

import numpy as np
import pytest
import tensorflow as tf

from ganflow.base.errors import GanflowError
from ganflow.base.runtime import Precision
from ganflow.config.train import Penalties, Penalty, TrainParams
from ganflow.gan.networks.build import build_networks
from ganflow.gan.networks.design import Design
from ganflow.gan.objectives import OBJECTIVES, Objective
from ganflow.gan.own_trial import Trial

PENALTIES = Penalties(r1=Penalty(weight=1.0), gradient_penalty=Penalty(weight=1.0))


def trial(objective: Objective, architecture: str, precision: Precision) -> Trial:
    design = Design(architecture, (8, 8, 1), 2, 5, width=8)
    generator, discriminator, _ = build_networks(design, precision)
    return Trial(generator, discriminator, objective, TrainParams(penalties=PENALTIES), design)


@pytest.mark.parametrize(
    ("architecture", "objective", "precision"),
    [
        ("lean", "hinge", "bfloat16"),
        ("article", "wasserstein", "float32"),
        ("residual", "relativistic", "float32"),
    ],
)
def test_what_is_built_in_passes(architecture: str, objective: str, precision: Precision) -> None:
    trial(OBJECTIVES[objective], architecture, precision).check()  # type: ignore[index]


def test_a_penalty_that_has_no_second_derivative_fails() -> None:
    """It would fail in the first step of a training, with an error of TensorFlow alone."""

    @tf.custom_gradient
    def once(x: tf.Tensor) -> object:
        return tf.identity(x), lambda dy: tf.raw_ops.PreventGradient(input=dy, message="not twice")

    one = trial(OBJECTIVES["hinge"], "lean", "float32")
    plain = one.discriminator.call
    one.discriminator.call = lambda inputs, **options: plain(
        [once(inputs[0]), inputs[1]], **options
    )
    with pytest.raises(Exception, match="LookupError: Gradient explicitly disabled"):
        one.check()


def test_a_loss_that_is_no_number_is_named() -> None:
    nan = Objective(lambda r, f: tf.reduce_mean(r - f), lambda r, f: tf.reduce_mean(f) * np.nan)
    with pytest.raises(GanflowError, match="the generator's loss: nan"):
        trial(nan, "lean", "float32").check()
