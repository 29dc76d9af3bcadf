"""The `report` section: what the page shows."""

from typing import Annotated

from pydantic import Field

from ganflow.base.section import Section


class ReportParams(Section):
    title: Annotated[str, Field(min_length=1, max_length=120)] = "ganflow report"
    """Heading of the page."""

    samples: Annotated[int, Field(ge=1, le=400)] = 100
    """Images in the large grid at the top; they are the first ones, not the best ones."""

    neighbours: Annotated[int, Field(ge=1, le=12)] = 5
    """Nearest training images shown beside a sample."""
