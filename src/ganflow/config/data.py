"""The `data` section: which images, and how they become a training set."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ganflow.base.section import Section

Mode = Literal["auto", "L", "RGB"]
Fit = Literal["crop", "pad", "stretch"]
Resample = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
Side = Annotated[int, Field(ge=8, le=128)]
Sides = Annotated[list[Side], Field(min_length=2, max_length=2)]
Share = Annotated[float, Field(gt=0, lt=0.5)]
Folders = Annotated[list[str], Field(min_length=1)]


class SplitFolders(Section):
    train: Folders
    """The folders of training images."""

    validation: list[str] = Field(default_factory=list)
    """The folders of validation images; without any, some of the training images."""

    test: list[str] = Field(default_factory=list)
    """The folders of test images; without any, some of all images."""


class DataParams(Section):
    source: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
            json_schema_extra={"in_words": "a name of letters, digits, dots, dashes, underscores"},
        ),
    ] = "mnist"
    """A name below `data/raw`."""

    resolution: Side | Sides | Literal["auto"] = "auto"
    """Pixels along each side, or `[height, width]`; `auto`: a common size, else 64 or 32."""

    mode: Mode = "auto"
    """Colour mode, grey (`L`) or `RGB`; `auto` is grey where every image is."""

    fit: Fit = "crop"
    """How other proportions are made to fit: crop the middle, pad with borders, or stretch."""

    resample: Resample = "bicubic"
    """Filter for changing the size; all but `nearest` are antialiased."""

    background: Annotated[int, Field(ge=0, le=255)] | Literal["auto"] = "auto"
    """Grey level of borders and behind transparent pixels; `auto`: what they stand out from."""

    range: Annotated[list[float], Field(min_length=2, max_length=2)] | Literal["auto"] = "auto"
    """The numbers that are black and white, `[0, 4095]` for 12 bits; `auto`: by all of them."""

    layout: Literal["auto", "NHWC", "NCHW"] = "auto"
    """Where arrays have their channels: last (`NHWC`) or first (`NCHW`)."""

    splits: SplitFolders | Literal["auto", "none"] = "auto"
    """The folders of each split; `auto`: by their names; `none`: the source has no splits."""

    labels: Literal["auto", "use", "ignore"] = "auto"
    """Whether labels are used; `auto`: not those of one class, or of fewer than 10 images each."""

    classes: Annotated[list[str | int], Field(min_length=1)] | Literal["all"] = "all"
    """The names of the classes to use."""

    exclude: list[str] = Field(default_factory=list)
    """Images that must not be used: names in the source, or SHA-256 hashes of the files."""

    limit: Annotated[int, Field(ge=1)] | None = None
    """Use at most this many training images, chosen by the hash of their content."""

    balance: bool = False
    """Give every class as many training images as the rarest one has."""

    stacked: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Stacked MNIST: the number of training images, each with three random ones as channels."""

    duplicates: Literal["report", "drop"] = "report"
    """What to do about exact copies within a split; those in several splits are always dropped."""

    near_duplicates: Literal["ignore", "report", "drop"] = "report"
    """What to do about images that look alike without being copies."""

    near_distance: Annotated[int, Field(ge=0, le=16)] = 6
    """Bits of the 64-bit perceptual hash in which images that look alike may differ."""

    test_share: Share | Literal["auto"] = "auto"
    """Share kept for `evaluate` if the source has no test split; `auto`: 0.1, of few up to 0.25."""

    validation_share: Share = 0.1
    """Share of the training images held out to choose the best snapshot."""

    max_rejected: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """Share of files that may be unusable; more are an error."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.stacked and self.mode == "RGB":
            raise ValueError(
                "stacked images take their colour channels from three grey ones: "
                "use `mode: L` or `mode: auto` with `stacked`, or `stacked: 0` with `mode: RGB`"
            )
        if self.range != "auto" and self.range[0] >= self.range[1]:
            raise ValueError("`range` is black first, then white, which is the greater number")
        if self.classes != "all":
            names = [str(name) for name in self.classes]
            if len(set(names)) < len(names):
                raise ValueError("`classes` names a class twice")
        return self

    @property
    def height_and_width(self) -> tuple[int, int]:
        """What `resolution` says, where that is not `auto`."""
        sides = self.resolution if isinstance(self.resolution, list) else [self.resolution] * 2
        height, width = map(int, sides)
        return height, width
