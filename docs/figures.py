"""Put the picture and the numbers of the last run into README.md: `python docs/figures.py`.

The table says which evaluation it is of. Where dvc.lock names that one, a test holds the table to
data/evaluation; after a retraining it is the older model's until this is run again.
"""

import re
import shutil
from pathlib import Path

import yaml

from ganflow.base.files import write_text
from ganflow.base.paths import EVALUATION, SAMPLES
from ganflow.report.summary import summarize
from ganflow.versions.reading import measured_at

README = Path("README.md")
PICTURE = Path("docs/images/samples.png")
TABLE = re.compile(
    r"<!-- figures of data/evaluation (\S*) -->\n(.*?)<!-- end of figures -->\n", re.S
)


def table(project: Path) -> str:
    """The figures of a project's last evaluation as a Markdown table."""
    measured = measured_at(None, project)
    found = summarize(measured.metrics, measured.detail)
    lines = ["| | samples | 95 % interval | real images | |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {one.name} | {one.value} | {one.interval} | {one.baseline} | {one.reading} |"
        for one in found.findings
    ]
    return "\n".join(lines) + "\n"


def evaluation_of(project: Path) -> str:
    """The hash of the evaluation that dvc.lock names."""
    locked = yaml.safe_load((project / "dvc.lock").read_text())["stages"]["evaluate"]["outs"]
    return next(str(out["md5"]) for out in locked if out["path"] == EVALUATION.as_posix())


def stated(readme: str) -> tuple[str, str]:
    """The evaluation that the table in the README is of, and the table."""
    found = TABLE.search(readme)
    if found is None:
        raise ValueError("README.md has lost the comments around its figures")
    return found[1], found[2]


if __name__ == "__main__":
    here = Path()
    opened = f"<!-- figures of data/evaluation {evaluation_of(here)} -->"
    new = f"{opened}\n{table(here)}<!-- end of figures -->\n"
    write_text(README, TABLE.sub(lambda _: new, README.read_text()))
    shutil.copyfile(SAMPLES / "grid.png", PICTURE)
