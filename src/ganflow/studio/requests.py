"""What may be asked of the studio, with its bounds."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_IMAGES = 1024
MOST_STEPS = 120
MOST_PIXELS = 8_000_000
"""Of one picture, or of all frames of an animation together."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Index = Annotated[int, Field(ge=0, lt=100_000)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Kinds = Annotated[list[Index], Field(min_length=1, max_length=100)]
Truncation = Annotated[float, Field(ge=0, le=2)]
Scale = Annotated[
    int,
    Field(
        ge=1, le=8, description=f"Made smaller where there would be over {MOST_PIXELS:,} pixels."
    ),
]
Share = Annotated[float, Field(ge=0, le=1)]


class Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelRequest(Request):
    model: ModelName | None = Field(None, description="A name from /api/models; else the first.")


class Samples(ModelRequest):
    """Random images."""

    count: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 16
    seed: Seed = 0
    classes: Kinds | None = Field(None, description="Taken in turn; left out, all of them.")
    truncation: Truncation = 1.0
    format: Literal["png", "npy"] = "png"
    columns: Annotated[int, Field(ge=1, le=100)] = 8
    scale: Scale = 1


class Corner(Request):
    """A latent, as the sample `row` of `seed`."""

    seed: Seed = 0
    row: Annotated[int, Field(ge=0, lt=MOST_IMAGES)] = 0


class Point(Request):
    """A place in the latent space: on a plane through four samples, then pushed."""

    corners: Annotated[list[Corner], Field(min_length=4, max_length=4)] = [
        Corner(row=0),
        Corner(row=1),
        Corner(row=2),
        Corner(row=3),
    ]
    across: Share = 0.0
    down: Share = 0.0
    directions: Annotated[
        list[Annotated[float, Field(ge=-6, le=6)]],
        Field(max_length=64, description="How far to push along each principal direction."),
    ] = []
    truncation: Truncation = 1.0


class Views(ModelRequest):
    """One point in several classes, side by side."""

    point: Point = Point()
    classes: Kinds | None = None
    format: Literal["png", "npy"] = "png"
    columns: Annotated[int, Field(ge=1, le=100)] = 100
    scale: Scale = 1


class Plane(ModelRequest):
    """The whole plane through a point's four corners, as a square of images."""

    point: Point = Field(Point(), description="Its `across` and `down` are not used.")
    label: Annotated[Index | None, Field(description="The class that is shown.")] = None
    size: Annotated[int, Field(ge=2, le=10, description="Images along each side.")] = 7
    format: Literal["png", "npy"] = "png"
    scale: Scale = 1


class Walk(ModelRequest):
    """From one point to another and back."""

    start: Point = Point()
    end: Point = Point(across=1.0, down=1.0)
    classes: Annotated[list[Index], Field(min_length=1, max_length=20)] | None = Field(
        None, description="Rows or columns; left out, the first 20."
    )
    steps: Annotated[int, Field(ge=2, le=MOST_STEPS)] = 24
    milliseconds: Annotated[int, Field(ge=20, le=2000)] = 60
    format: Literal["png", "gif", "webp"] = "webp"
    scale: Scale = 1


class NearestImages(ModelRequest):
    """The training images most like what a point shows."""

    point: Point = Point()
    label: Annotated[Index | None, Field(description="The class that is shown.")] = None
    count: Annotated[int, Field(ge=1, le=12)] = 6
