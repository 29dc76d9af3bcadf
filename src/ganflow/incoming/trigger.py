"""What starts a retraining: a number of images, what they show, or the time since the last one.

The looks of a year share a budget, the number of false alarms that are expected in it. A look may
spend what has accrued since the look before (Lan and DeMets, 1983, with a level that grows
linearly with time), so the sum over a year is the budget, however many looks there are and
however much they have in common.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from ganflow.base.errors import ParameterError
from ganflow.base.section import Section
from ganflow.config.messages import mistakes
from ganflow.config.schema import SchemaNode
from ganflow.incoming.drift import Drift, Levels, named_classes
from ganflow.incoming.permutation import MOST

YEAR = 365.25 * 86400
SECONDS = {"hour": 3600, "day": 86400, "week": 7 * 86400}
FALSE_ALARMS = 0.5
"""A year, of each test that is `true`: at most one a year where both are."""

MOST_LEVEL = 0.05
"""Of one look, however long the last one was ago."""

FALL_BACK = 100
"""New files that start a retraining where nothing can be measured, unless `images` says."""

Rate = Annotated[float, Field(gt=0, le=1)]
Number = Annotated[int, Field(ge=1)]


class Trigger(Section):
    """What starts a retraining; any one of these is enough."""

    images: Number | None = None
    """So many new or changed files."""

    drift: bool | Rate = False
    """Images unlike those of the training; a number is how many false alarms a year are allowed."""

    class_share: bool | Rate = False
    """Classes that are not as frequent as in the training; a number is false alarms a year."""

    new_class: bool | Number = False
    """A class that the training set does not have; a number is how many images of it."""

    age: (
        Annotated[
            str,
            Field(
                pattern=r"^[1-9][0-9]* (hour|day|week)s?$",
                json_schema_extra={"in_words": 'a time such as "30 days" (hours, days or weeks)'},
            ),
        ]
        | None
    ) = None
    """The time since the last retraining, or since watching began, if there is a new file."""

    @model_validator(mode="after")
    def _starts_something(self) -> Self:
        if not (self.images or self.age or self.measures):
            raise ValueError(
                "nothing would ever start a retraining: give at least one of "
                + ", ".join(type(self).model_fields)
            )
        return self

    @property
    def measures(self) -> bool:
        """Whether a look at the images is needed."""
        return bool(self.drift or self.class_share or self.new_class)

    def levels(self, seconds: float) -> Levels:
        """The levels of a look so long after the one before; none until each test has enough."""
        asked = self.drift, self.class_share
        levels = [_level(rate, seconds) for rate in asked]
        enough = all(level for level, rate in zip(levels, asked, strict=True) if rate)
        return Levels(*levels) if enough else Levels()

    def by_count(self, files: int, seconds: float, images: int | None) -> list[str]:
        """What starts a retraining without a look, in words.

        Args:
            files: new or changed ones.
            seconds: since the last retraining.
            images: as the field of this name, or what stands in for it.
        """
        found = []
        if images and files >= images:
            found.append(f"images: {files} new files of {images}")
        if self.age and files:
            number, unit = self.age.split()
            if seconds >= int(number) * SECONDS[unit.removesuffix("s")]:
                days = seconds / SECONDS["day"]
                found.append(f"age: {days:.1f} days since the last retraining, of {self.age}")
        return found

    def by_look(self, drift: Drift) -> list[str]:
        """What starts a retraining after a look, in words with the numbers."""
        found = [f"drift: {words}" for words in drift.drifted if self.drift]
        if self.class_share and drift.shares_changed:
            found.append(f"class_share: {drift.shares_changed}")
        # True is 1: one image is enough.
        new = {name: n for name, n in drift.new_classes.items() if n >= int(self.new_class)}
        if self.new_class and new:
            found.append(f"new_class: {named_classes(new)}")
        return found


def check_trigger(values: Mapping[str, Any] | None, enough: int) -> Trigger:
    """The trigger that a run was given; without one, a number of files.

    Raises:
        ParameterError: what is wrong, what would be right, and where it is set.
    """
    if values is None:
        return Trigger(images=enough)
    try:
        return Trigger.model_validate(dict(values))
    except ValidationError as error:
        schema = Trigger.model_json_schema()
        found = mistakes(error, values, SchemaNode(schema, schema))
        raise ParameterError(
            "\n".join(found.values()),
            where="the parameter `trigger` of the flow `watch`",
            run="change it in prefect.yaml (docs/scheduled-retraining.md), then "
            "prefect --no-prompt deploy --all",
        ) from None


def _level(rate: float, seconds: float) -> float:
    """What has accrued; 0 where it is below what a p-value can show, and accrues further."""
    asked = FALSE_ALARMS if rate is True else float(rate)
    level = min(MOST_LEVEL, asked * max(0.0, seconds) / YEAR)
    return level if level / 2 >= 1 / MOST else 0.0
