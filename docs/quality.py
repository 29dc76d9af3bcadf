"""Draw what `benchmarks.quality` printed, and put its tables into docs/quality.md.

    python -m benchmarks.quality --full --json > docs/quality-full.json
    python -m benchmarks.quality --json > docs/quality-short.json
    python docs/quality.py

The picture has every recipe's longest runs.
"""

import json
import re
import statistics
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
MEASURED = ("full", "short")
PAGE = DOCS / "quality.md"
PICTURE = DOCS / "images" / "quality.png"
TABLE = re.compile(r"<!-- table (\w+) -->\n(.*?)<!-- end of table -->\n", re.S)

COLOURS = {
    "article": "#b3560f",
    "tutorial": "#8a8a8a",
    "default": "#0f62a8",
    "unconditional": "#1a8a5a",
}
HEADINGS = ["recipe", "images/s", "seeds", "images", "seconds", "ratio at the end", "at its best"]


def table(found: dict[str, Any]) -> str:
    """What every recipe ends in, and when it has the article's quality, as a Markdown table."""
    goals = [goal for goal in ("final", "best") if f"article_{goal}_ratio" in found]
    headings = HEADINGS + [f"reaches the article's {goal}: seconds, share" for goal in goals]
    lines = ["| " + " | ".join(headings) + " |", "|---" + "|---:" * (len(headings) - 1) + "|"]
    for name, runs in found["curves"].items():
        cells = [
            name,
            f"{found['images_per_second'][name]:,.0f}",
            f"{len(runs)}",
            f"{runs[0][-1][0]:,}",
            f"{found[f'{name}_seconds']:,.0f}",
            spread([run[-1][1] for run in runs]),
            spread([min(value for _, value in run) for run in runs]),
        ]
        for goal in goals:
            share = found.get(f"{name}_share_of_article_time_{goal}")
            seconds = found.get(f"{name}_seconds_to_article_{goal}")
            if name == "article":
                cells.append("")
            else:
                cells.append("never" if share is None else f"{seconds:,.0f}, 1/{1 / share:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def spread(values: list[float]) -> str:
    """The median, and the lowest and highest where there are several."""
    middle = f"{statistics.median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3g} to {max(values):.3g})"


def measured(which: str) -> dict[str, Any]:
    """What the benchmark printed: `full` or `short`."""
    found: dict[str, Any] = json.loads((DOCS / f"quality-{which}.json").read_text())
    return found


def draw(found: dict[str, Any], picture: Path) -> None:
    """Every run as a line of quality over seconds of training, both logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xscale="log", yscale="log")
    for name, runs in found["curves"].items():
        for number, run in enumerate(runs):
            axes.plot(
                [seen / found["images_per_second"][name] for seen, _ in run],
                [value for _, value in run],
                color=COLOURS[name],
                linewidth=1.4,
                marker="o",
                markersize=2.2,
                alpha=0.85,
                label=None if number else f"{name} (seeds: {len(runs)})",
            )
    axes.axhline(1, color="#666666", linestyle=":", linewidth=1)
    axes.text(1, 1.04, "real images", transform=axes.get_yaxis_transform(), ha="right", fontsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("Fréchet distance, of real images = 1")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(picture, metadata={"Software": None})


if __name__ == "__main__":
    full, short = (measured(which) for which in MEASURED)
    for key in ("curves", "images_per_second"):
        full[key] = short[key] | full[key]
    draw(full, PICTURE)
    page = PAGE.read_text()
    for which, old in TABLE.findall(page):
        opened = f"<!-- table {which} -->\n"
        page = page.replace(opened + old, opened + table(measured(which)))
    PAGE.write_text(page)
