"""The report as one self-contained HTML page."""

from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ganflow.report.embed import Picture
from ganflow.report.failures import Confusion
from ganflow.report.growth import Growth
from ganflow.report.summary import Summary

Table = tuple[tuple[str, str], ...]
"""Names and what they are, as texts."""


@dataclass(frozen=True)
class SideBySide:
    """Real and generated images of one class, or of all where there are no classes."""

    name: str
    real: Picture
    generated: Picture


@dataclass(frozen=True)
class Variation:
    moving: Picture | None
    walks: Picture
    across: Picture | None
    classes: tuple[str, ...]
    """Names of the columns of `across`."""


@dataclass(frozen=True)
class Copy:
    sample: Picture
    neighbours: Picture
    distance: str


@dataclass(frozen=True)
class Copying:
    copies: tuple[Copy, ...]
    generated: str
    unseen: str
    """Median distances to the nearest training image, as texts."""
    verdict: str


@dataclass(frozen=True)
class Failure:
    sample: Picture
    asked: str
    read: str
    likelihood: str


@dataclass(frozen=True)
class Failures:
    weakest: tuple[Failure, ...]
    confusions: tuple[Confusion, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Counts, row: asked, column: read; empty where there are no labels or too many."""
    judged: int


@dataclass(frozen=True)
class Provenance:
    parameters: tuple[tuple[str, Table], ...]
    cards: tuple[tuple[str, Table], ...]
    versions: Table
    digests: Table
    commands: Table


@dataclass(frozen=True)
class Page:
    """Everything that the page shows; sections that do not apply are None."""

    title: str
    subtitle: str
    samples: Picture
    samples_shown: str
    summary: Summary
    pairs: tuple[SideBySide, ...]
    growth: Growth
    variation: Variation | None
    copying: Copying
    failures: Failures | None
    classes: tuple[str, ...]
    data: Table
    class_counts: tuple[tuple[str, tuple[str, ...]], ...]
    splits: tuple[str, ...]
    provenance: Provenance


def render(page: Page) -> str:
    """The page's HTML; equal pages give equal texts."""
    environment = Environment(
        loader=PackageLoader("ganflow.report", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("ganflow.report").joinpath("templates/page.css").read_text()
    return environment.get_template("page.html").render(page=page, style=Markup(style))
