"""The `train` section: how the two networks learn from each other."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from ganflow.base.section import Section
from ganflow.config.model import ModelParams, OwnFunction, is_own

Objective = Literal[
    "minimax", "non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"
]

Strategy = Literal["auto", "single", "mirrored", "multi_worker"]

Augmentation = Literal["color", "translation", "cutout"]


class AdamParams(Section):
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.0
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.99


class Penalty(Section):
    weight: Annotated[float, Field(ge=0, le=10_000)] | Literal["auto"]
    """γ, as in γ/2·R1; 0 switches it off, and `auto`, of r1 and r2, is 1, or 5 above 32 pixels."""

    interval: Annotated[int, Field(ge=1, le=1000)] = 1
    """Every how many steps it is applied, each time `interval` times as strongly."""

    final: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The weight's share that is left at the end, reached exponentially."""


class Penalties(Section):
    """Any combination; one that is left out is off."""

    r1: Penalty | None = None
    r2: Penalty | None = None
    js: Penalty | None = None
    gradient_penalty: Penalty | None = None

    latent: Penalty | None = None
    """Of the generator: the mean square of the mapped latent; needs `model.mapping`."""

    @field_validator("js", "gradient_penalty", "latent")
    @classmethod
    def _has_a_weight(cls, penalty: Penalty | None) -> Penalty | None:
        if penalty is not None and penalty.weight == "auto":
            raise ValueError("only r1 and r2 have an `auto` weight")
        return penalty


class TrainParams(Section):
    images: Annotated[int, Field(ge=64, le=10**12)] = 192_000
    """How many real images the discriminator sees: the length of the training."""

    start: Literal["none", "data/start"] = "none"
    """Networks to start from: random ones, or the model that `ganflow start` put into data/start.
    `images` counts anew."""

    batch: Annotated[int, Field(ge=2, le=65_536)] = 64

    objective: Objective | OwnFunction = "non_saturating"
    """The losses of both networks, or a function of your own that returns them:
    docs/own-networks.md."""

    penalties: Penalties = Penalties(r1=Penalty(weight="auto", interval=8))

    augmentation: list[Augmentation] | Literal["auto"] = Field(default="auto")
    """Of real and generated images before the discriminator sees them; `auto`: all three for fewer
    than 5,000 images."""

    mirror: bool | Literal["auto"] = "auto"
    """Whether half of the training images are mirrored; `auto` where mirror images cannot be told
    from the set's own."""

    generator: AdamParams = AdamParams()
    discriminator: AdamParams = AdamParams()

    schedule: Literal["constant", "linear", "cosine", "cooldown"] = "linear"
    """Of both learning rates, from the first step to the last. `cooldown` is constant, then linear
    to 0 over the last images: a training that is made longer goes on from where that began."""

    cooldown: Annotated[int, Field(ge=64, le=10**12)] = 48_000
    """How many images the schedule `cooldown` takes for the rates to fall."""

    ema_half_life: Annotated[int, Field(ge=0, le=10**9)] = 9_000
    """Half-life of the averaged generator weights, in images; 0 keeps the last weights."""

    snapshots: Annotated[int, Field(ge=1, le=10_000)] = 8
    """How often the quality is measured against the validation split, and a picture kept."""

    snapshot_every: Annotated[int, Field(ge=0, le=10**12)] = 0
    """Images between snapshots, however long the training is; 0 takes as many as `snapshots`."""

    patience: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Stop after this many snapshots without a better one; 0 never stops early."""

    strategy: Strategy = "auto"
    """Which devices share a batch: `single`, this process's one; `mirrored`, all of its GPUs;
    `multi_worker`, the processes that TF_CONFIG names; `auto`, these where TF_CONFIG is set, else
    all GPUs. Beyond the last digits it shapes no result."""

    @property
    def steps(self) -> int:
        """The length of the training in steps."""
        return max(1, self.images // self.batch)

    def snapshot_steps(self) -> list[int]:
        """After which steps to take a snapshot: evenly spaced, the last step included."""
        if self.snapshot_every:
            every = max(1, self.snapshot_every // self.batch)
            return [*range(every, self.steps, every), self.steps]
        shares = ((place + 1) / self.snapshots for place in range(self.snapshots))
        return sorted({max(1, round(self.steps * share)) for share in shares})

    @field_validator("augmentation")
    @classmethod
    def _each_once(
        cls, names: list[Augmentation] | Literal["auto"]
    ) -> list[Augmentation] | Literal["auto"]:
        if names != "auto" and len(set(names)) < len(names):
            raise ValueError("each augmentation is named once")
        return names


def own_functions(model: ModelParams, train: TrainParams) -> dict[str, str]:
    """The keys whose values name functions of the project's own code, with these values."""
    named = {"model.architecture": model.architecture, "train.objective": train.objective}
    return {key: name for key, name in named.items() if is_own(name)}
