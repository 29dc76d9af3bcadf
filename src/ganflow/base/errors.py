"""The one kind of error that is meant for the person who runs ganflow."""

from typing import ClassVar


class GanflowError(Exception):
    """Something the user can mend.

    Args:
        what: what was wrong, with the value that was found.
        where: the file, key or stage it was found in.
        expected: what would have been right.
        run: the command to run next.
    """

    status: ClassVar[int] = 1
    """The exit status of a command that ends with it."""

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        run: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.run = what, where, expected, run

    def __str__(self) -> str:
        said = {"where": self.where, "expected": self.expected, "run next": self.run}
        lines = [f"  {name + ':':9} {text}" for name, text in said.items() if text]
        return "\n".join([self.what, *lines])


class ParameterError(GanflowError):
    """A parameter that is unknown, mistyped, out of range or at odds with another."""

    status = 2


class DataError(GanflowError):
    """An input file that is missing, damaged or not what its name says."""


class TrainingError(GanflowError):
    """A training that cannot go on: NaN, collapse."""


class HeldError(TrainingError):
    """A training that another process has under way: later, it may well be possible."""

    status = 75  # EX_TEMPFAIL of sysexits.h; flows/pipeline.py then tries the stage again
