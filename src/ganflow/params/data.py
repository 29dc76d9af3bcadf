"""The `data` section: which images, and how they become a training set."""

from typing import Annotated

from pydantic import Field

from ganflow.params.section import Section


class Data(Section):
    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = "mnist"
    """A name below `data/raw`."""

    validation_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """Of the training images, held out to choose the best snapshot by."""
