"""The networks and the objective of a project's own code, tried before a training starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ganflow.base.errors import GanflowError
from ganflow.base.runtime import Precision
from ganflow.config.model import ModelParams
from ganflow.config.train import TrainParams, own_functions
from ganflow.gan.networks.build import build_networks, weights_of
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.own import Build, described, rebuilt
from ganflow.gan.objectives import OBJECTIVES, Objective, own_objective
from ganflow.gan.own_files import failure, function_of, importing
from ganflow.gan.own_trial import Trial


@dataclass(frozen=True)
class OwnCode:
    """What a training takes from the project's own code; nothing if all is built in.

    Attributes:
        build: makes the networks.
        loss: computes both losses.
        files: the SHA-256 of every file of the project that was imported, by its path in it.
        layers: the generator's, in float32, as a model card has them.
    """

    build: Build | None = None
    loss: Callable[[tf.Tensor, tf.Tensor], Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Any] | None = None

    def objective(self, name: str) -> Objective:
        """The objective that `train.objective: name` stands for."""
        return own_objective(self.loss, name) if self.loss else OBJECTIVES[name]  # type: ignore[index]


BUILT_IN = OwnCode()


def own_code(
    model: ModelParams, train: TrainParams, design: Design, precision: Precision, project: Path
) -> OwnCode:
    """Import the functions that the parameters name, and try them on a few random images.

    Args:
        train: without `auto`, as `ganflow.gan.defaults.choose` returns it.
        project: the folder in which the files of the functions are.

    Raises:
        GanflowError: a function is not there or not in the project, or what it returns cannot be
            trained.
    """
    named = own_functions(model, train)
    if not named:
        return BUILT_IN
    with importing(project) as imported:
        found = {key: function_of(key, name, project) for key, name in named.items()}
        own = OwnCode(found.get("model.architecture"), found.get("train.objective"))
        what = " and ".join(f"{key}: {name}" for key, name in named.items())
        try:
            layers = _try(own, train, design, precision)
        except GanflowError:
            raise
        except Exception as error:
            raise failure(f"{what} cannot be trained", error, project) from error
    files = {f.relative_to(project.resolve()).as_posix(): sha for f, sha in imported.items()}
    return OwnCode(own.build, own.loss, files, layers)


def _try(
    own: OwnCode, train: TrainParams, design: Design, precision: Precision
) -> dict[str, Any] | None:
    """Build the networks, describe the generator, and compute losses, gradients and penalties.

    Returns:
        the description of the generator of the project's own code.
    """
    layers = None
    if own.build:
        kept, *_ = build_networks(design, "float32", own.build)
        layers = described(kept, design)
        _check_rebuilt(kept, rebuilt(layers), design)
    generator, discriminator, averaged = build_networks(design, precision, own.build)
    _check_rebuilt(generator, averaged, design)
    Trial(generator, discriminator, own.objective(train.objective), train, design).check()
    return layers


def _check_rebuilt(generator: keras.Model, other: keras.Model, design: Design) -> None:
    """Check that two generators that should be alike have the same weights."""
    shapes = [
        {name: tuple(value.shape) for name, value in weights_of(model).items()}
        for model in (generator, other)
    ]
    if shapes[0] != shapes[1]:
        differing = sorted({f"{n} {s}" for n, s in shapes[0].items() ^ shapes[1].items()})
        raise GanflowError(
            f"model.architecture: {design.architecture} builds another generator when it is built "
            f"again: {', '.join(differing[:4])}",
            where=f"what {design.architecture} returns",
            expected="the same layers for the same design",
            run="mend it, then dvc repro train",
        )
