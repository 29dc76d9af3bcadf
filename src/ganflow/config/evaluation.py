"""The `evaluation` section: how much is measured, and on which features."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.base.section import Section


class EvaluationParams(Section):
    profile: Literal["quick", "full"] = "quick"
    """`quick` judges 10,000 samples, `full` 50,000 and runs the expensive families."""

    baseline_draws: Annotated[int, Field(ge=3, le=100)] = 10
    """Random train subsets whose mean distance to the test split is the baseline."""

    features: Literal["extractor", "inception"] = "extractor"
    """Of what the distances are taken: the extractor's, or Inception's where it fits the data."""

    inception_weights: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.h5$",
            json_schema_extra={"in_words": "the name of a file that ends in .h5"},
        ),
    ] = "inception_v3_notop.h5"
    """A file in `data/raw/inception`, which is never downloaded."""
