"""What every section of params.yaml has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen group of parameters.

    Unknown keys are errors, numbers must be finite, and no text is taken for a number. A field
    whose pattern says little to a reader gives its `in_words` in `json_schema_extra`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
