"""The `gate` section: what a retrained model must show before a pull request opens."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.base.section import Section

Metric = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
"""A number of data/evaluation/metrics.json, as in `fd.ratio`."""


class Limit(Section):
    """Bounds that a metric must keep by itself, whatever the base has."""

    least: float | None = None
    most: float | None = None


class GateParams(Section):
    """Read by the retraining flow, by no stage: changing it never retrains."""

    limits: dict[Metric, Limit] = Field(default={"fd.ratio": Limit(most=10.0)})

    compare: dict[Metric, Literal["lower", "higher"]] = Field(default={"fd.value": "lower"})
    """Metrics that must not be worse than the base's, each with the direction that is better."""

    classes: bool = True
    """Whether a class that is worse than the base's beyond `margin` fails; for data with labels."""

    margin: Annotated[float, Field(ge=0, le=10)] = 0.05
    """How much worse is still not worse, as a share of the base's value."""

    on_unclear: Literal["fail", "pass"] = "fail"
    """What becomes of a difference whose interval lies on both sides of the margin."""

    seeds: Annotated[int, Field(ge=1, le=20)] = 1
    """Trainings of base and candidate that are compared, under `seed`, `seed` + 1, and so on.

    With one, the interval is that of the measurement; from two on, a paired t-interval over
    trainings.
    """
