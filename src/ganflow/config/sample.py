"""The `sample` section: the images that the finished generator makes."""

from typing import Annotated

from pydantic import Field

from ganflow.base.section import Section


class SampleParams(Section):
    images: Annotated[int, Field(ge=10_000, le=1_000_000)] = 10_000
    """How many; the quick profile judges 10,000, the full one 50,000."""

    truncation: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Latents are drawn from N(0, truncation²·I): below 1 trades variety for likeness."""
