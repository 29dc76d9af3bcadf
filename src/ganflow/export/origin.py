"""What an export is made from."""

from dataclasses import dataclass
from pathlib import Path

from ganflow.gan.saved import SavedGenerator


@dataclass(frozen=True)
class Origin:
    """A model, and where it is from.

    Attributes:
        identity: as `ganflow.marks.identity` gives it.
        commit: the one that the model is of; None for the working tree.
        licence: of the data set.
    """

    model: Path
    generator: SavedGenerator
    identity: str
    commit: str | None
    licence: str
