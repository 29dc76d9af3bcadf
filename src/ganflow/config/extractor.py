"""The `extractor` section: the classifier whose features measure every model."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.base.section import Section


class ExtractorParams(Section):
    seed: Annotated[int, Field(ge=0, lt=2**31 - 1)] = 0
    """Its own, so that repeating a training under another `seed` keeps the evaluator."""

    features: Annotated[int, Field(ge=8, le=2048)] = 128
    """Size of the penultimate layer, which the Fréchet distance is taken on."""

    epochs: Annotated[int, Field(ge=1, le=1000)] | Literal["auto"] = "auto"
    """Passes over the training images; `auto` is 2, and up to 40 of fewer images, augmented."""

    batch: Annotated[int, Field(ge=8, le=4096)] = 128
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
