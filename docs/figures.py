"""Put the picture and the numbers of the last run into README.md: `python docs/figures.py`.

A test holds the table to data/evaluation, so this is to be run after every retraining.
"""

import re
import shutil
from pathlib import Path

from ganflow.base.files import write_text
from ganflow.base.paths import SAMPLES
from ganflow.report.summary import summarise
from ganflow.versions.reading import measured_at

README = Path("README.md")
PICTURE = Path("docs/images/samples.png")
TABLE = re.compile(r"<!-- figures of data/evaluation -->\n(.*?)<!-- end of figures -->\n", re.S)


def table(project: Path) -> str:
    """The figures of a project's last evaluation as a Markdown table."""
    measured = measured_at(None, project)
    found = summarise(measured.metrics, measured.detail)
    lines = ["| | samples | 95 % interval | real images | |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {one.name} | {one.value} | {one.interval} | {one.baseline} | {one.reading} |"
        for one in found.findings
    ]
    return "\n".join(lines) + "\n"


def stated(readme: str) -> str:
    """The table in the README."""
    found = TABLE.search(readme)
    if found is None:
        raise ValueError("README.md has lost the comments around its figures")
    return found[1]


if __name__ == "__main__":
    here = Path()
    new = f"<!-- figures of data/evaluation -->\n{table(here)}<!-- end of figures -->\n"
    write_text(README, TABLE.sub(lambda _: new, README.read_text()))
    shutil.copyfile(SAMPLES / "grid.png", PICTURE)
