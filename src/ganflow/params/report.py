"""The `report` section: what the page shows."""

from typing import Annotated

from pydantic import Field

from ganflow.params.section import Section


class Report(Section):
    title: Annotated[str, Field(min_length=1, max_length=120)] = "ganflow report"
    """Heading of the page."""
