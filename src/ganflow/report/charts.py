"""Curves as SVG that takes the page's colours and repeats byte by byte."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from markupsafe import Markup, escape

COLOURS = {"ink": "#010203", "muted": "#040506", "first": "#070809", "second": "#0a0b0c"}
"""Stand-ins that matplotlib draws with; each becomes the page's CSS variable of that name."""

STYLES = {"first": "-", "second": (0, (5, 2))}
"""Lines differ in their dashes too, for those who see no colours and for print."""

MOST_POINTS = 120

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "text.color": COLOURS["ink"],
    "legend.frameon": False,
    "axes.formatter.useoffset": False,
}


@dataclass(frozen=True)
class Curve:
    """A line of y over x: float arrays (N,)."""

    label: str
    x: np.ndarray
    y: np.ndarray
    colour: Literal["first", "second"] = "first"


def chart(
    name: str,
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    alt: str,
    baseline: float | None = None,
    baseline_label: str = "baseline",
    logarithmic: bool = False,
    dots: bool = False,
) -> Markup:
    """Draw curves, and a baseline as a dotted line, into inline SVG.

    Args:
        name: makes the ids in the drawing differ from another chart's on the same page.
        alt: what the chart shows, for those who do not see it.
        dots: mark every point.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": name}):
        figure = Figure(figsize=(4.8, 3.0), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for curve in curves:
            axes.plot(
                *thin(curve.x, curve.y),
                color=COLOURS[curve.colour],
                linestyle=STYLES[curve.colour],
                linewidth=1.6,
                marker="o" if dots else None,
                markersize=3.5,
                label=curve.label,
            )
        if baseline is not None:
            axes.axhline(
                baseline, color=COLOURS["muted"], linestyle=":", linewidth=1.2, label=baseline_label
            )
        if logarithmic:
            axes.set_yscale("log")
            _plain_numbers(axes)
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(axis="y", color=COLOURS["muted"], alpha=0.18, linewidth=0.6)
        if len(curves) > 1 or baseline is not None:
            axes.legend(loc="best", fontsize=9)
        stream = io.StringIO()
        figure.savefig(
            stream,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _for_page(stream.getvalue(), name, alt)


def thin(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Replace long curves by the means of at most `most` equal stretches."""
    if len(x) <= most:
        return x, y
    edges = np.linspace(0, len(x), most + 1).round().astype(int)[:-1]
    sizes = np.diff([*edges, len(x)])
    return np.add.reduceat(x, edges) / sizes, np.add.reduceat(y, edges) / sizes


def short(value: float) -> str:
    """1500000 as 1.5 M, 64000 as 64 k."""
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:g}{unit}"
    return f"{value:g}"


def _plain_numbers(axes: Any) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10 rather than with powers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axes.get_ylim()
    decades = np.log10(high / low)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1,)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _for_page(svg: str, name: str, alt: str) -> Markup:
    """Strip what only a file of its own needs, and tie colours, ids and fonts to the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'\b(id|href)="(#?)', rf'\1="\g<2>{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = re.sub(r"font: ?([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    for variable, stand_in in COLOURS.items():
        svg = svg.replace(stand_in, f"var(--{variable})")
    opening = (
        rf'<svg class="chart" role="img" aria-label="{escape(alt)}" viewBox="\1" '
        'xmlns="http://www.w3.org/2000/svg">'
    )
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', opening, svg, count=1, flags=re.DOTALL)
    return Markup(svg)
