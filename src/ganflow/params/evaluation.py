"""The `evaluation` section: how much is measured."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.params.section import Section


class Evaluation(Section):
    profile: Literal["quick", "full"] = "quick"
    """`quick` judges 10,000 samples, `full` 50,000 and runs the expensive families."""

    floor_draws: Annotated[int, Field(ge=3, le=100)] = 10
    """Random train subsets whose mean distance to the test split is the floor."""
