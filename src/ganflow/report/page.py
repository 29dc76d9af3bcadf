"""The report as one self-contained HTML page."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup


def render(page: Mapping[str, Any]) -> str:
    """The page's HTML; equal pages give equal texts.

    Args:
        page: what `ganflow.report.compose` has composed; sections that do not apply are None, and
            a name that the template asks for and is missing is an error.
    """
    environment = Environment(
        loader=PackageLoader("ganflow.report", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("ganflow.report").joinpath("templates/page.css").read_text()
    return environment.get_template("page.html").render(page=page, style=Markup(style))
