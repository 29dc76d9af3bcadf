"""The results of a run as artifacts in Prefect's page.

Images are embedded in the markdown as `data:` URLs, so the page shows them without a second web
server. tests/system/test_team.py checks this in a browser.
"""

import base64
import io
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from prefect.artifacts import create_link_artifact, create_markdown_artifact

from ganflow.base import paths
from ganflow.base.images import image_grid, write_png
from ganflow.base.paths import state_folder
from ganflow.live.reading import about_run
from ganflow.report.summary import Summary, summarise
from ganflow.versions.reading import measured_at

GRID = paths.SAMPLES / "grid.png"
PAGE = paths.REPORT / "index.html"
MOST_SHOWN, SHEET_COLUMNS = 128, 16
MOST_BYTES = 300_000
"""Size limit of an embedded image, which the server stores in its database.

A grid of digits has 26,000 bytes.
"""


def show_results(project: Path, report: Path | None = None) -> None:
    """Create artifacts for the evaluation, the sample grid and the location of the report.

    Args:
        project: the folder in which the stages ran.
        report: the copy of the report that is kept; None for the one that the stage wrote.
    """
    if summary := read_summary(project):
        create_markdown_artifact(as_markdown(summary), "metrics", "The last evaluation")
    page = (report or project / PAGE).resolve()
    if (project / GRID).is_file():
        create_markdown_artifact(samples_page(project / GRID, page), "samples", "Generated samples")
    if page.is_file():
        create_link_artifact(
            key="report",
            link=page.as_uri(),
            link_text=str(page),
            description="On the worker's machine",
        )


def show_incoming(images: np.ndarray, refused: int) -> None:
    """Create an artifact with a contact sheet of the images that are let in.

    Args:
        images: uint8 (N, h, w, c); the first ones are shown.
        refused: how many files were not let in.
    """
    page = f"{len(images)} images are let in; {refused} files are in quarantine.\n"
    if len(images):
        with tempfile.TemporaryDirectory() as folder:
            sheet = Path(folder, "sheet.png")
            write_png(sheet, image_grid(images[:MOST_SHOWN], SHEET_COLUMNS))
            page = f"![Images that are let in]({data_url(sheet)})\n\n{page}"
    create_markdown_artifact(page, "incoming", "What has arrived")


def snapshots_page(run: Path, rows: Sequence[tuple[int, float]]) -> str:
    """The images of the last snapshot, and the distances of all.

    Args:
        run: the folder of a training in the live folder.
        rows: images seen and the Fréchet distance.
    """
    baseline = about_run(run).get("baseline")
    lines = ["| images seen | Fréchet distance to the validation split |", "|---:|---:|"]
    lines += [f"| {seen:,} | {distance:.4g} |" for seen, distance in rows]
    if baseline is not None:
        lines.append(f"| real images | {baseline:.4g} |")
    pictures = sorted(run.glob("pictures/[0-9]*.png"))
    picture = f"![Images of the last snapshot]({data_url(pictures[-1])})\n\n" if pictures else ""
    return picture + "\n".join(lines) + "\n"


def read_summary(project: Path) -> Summary | None:
    """Summarize the project's last evaluation; None if there is none that can be read."""
    found = measured_at(None, project)
    return summarise(found.metrics, found.detail) if found.metrics else None


def as_markdown(summary: Summary) -> str:
    """The summary's sentence, and a table of its metrics."""
    rows = (f"| {f.name} | {f.value} | {f.baseline} | {f.interval} |" for f in summary.findings)
    head = ("| metric | value | baseline | interval |", "|---|---:|---:|---:|")
    return "\n".join([summary.sentence, "", *head, *rows]) + "\n"


def samples_page(grid: Path, report: Path) -> str:
    """Markdown with the sample grid embedded."""
    return (
        f"![Generated samples, a class in each column]({data_url(grid)})\n\n"
        f"The whole report is `{report}` on the worker's machine: one file, for any browser.\n"
    )


def data_url(picture: Path) -> str:
    """The image as a `data:` URL of at most about 400 kB; a larger one becomes a smaller JPEG."""
    content, kind = picture.read_bytes(), "png"
    if len(content) > MOST_BYTES:
        with Image.open(picture) as opened:
            smaller = opened.convert("RGB")
        for side in (1600, 1200, 800, 400):
            smaller.thumbnail((side, side))
            written = io.BytesIO()
            smaller.save(written, "JPEG", quality=85)
            content, kind = written.getvalue(), "jpeg"
            if len(content) <= MOST_BYTES:
                break
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def keep_report(project: Path, name: str) -> Path | None:
    """Copy the report out of a workspace, which is deleted when its run succeeds."""
    if not (project / PAGE).is_file():
        return None
    kept = state_folder() / "reports" / name / PAGE.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project / PAGE, kept)
    return kept
