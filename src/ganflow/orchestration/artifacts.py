"""What a run leaves to be looked at in Prefect's page.

Pictures are part of the text (`data:` addresses), so that they show without a web server that
the reader's browser can reach. tests/system/test_team.py looks at them in a browser.
"""

import base64
import io
import shutil
from pathlib import Path

from PIL import Image
from prefect.artifacts import create_link_artifact, create_markdown_artifact

from ganflow.base import paths
from ganflow.base.paths import state_folder
from ganflow.orchestration import figures

GRID = paths.SAMPLES / "grid.png"
PAGE = paths.REPORT / "index.html"
MOST_BYTES = 300_000
"""Of a picture in a page, which lies in the server's database: a grid of digits has 26,000."""


def show_results(project: Path, report: Path | None = None) -> None:
    """Show the evaluation, the sample grid and where the report is.

    Args:
        project: the folder that the stages ran in.
        report: where the report will stay; without it, where the stage wrote it.
    """
    verdict = figures.read_verdict(project)
    if verdict:
        create_markdown_artifact(figures.as_markdown(verdict), "metrics", "The last evaluation")
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


def samples_page(grid: Path, report: Path) -> str:
    """Markdown that holds the picture itself."""
    return (
        f"![Generated samples, a class in each column]({data_address(grid)})\n\n"
        f"The whole report is `{report}` on the worker's machine: one file, for any browser.\n"
    )


def data_address(picture: Path) -> str:
    """A picture as a `data:` address of at most about 400 kB, if need be as a smaller JPEG."""
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
    """Copy the report out of a workspace, which goes when its run has succeeded."""
    if not (project / PAGE).is_file():
        return None
    kept = state_folder() / "reports" / name / PAGE.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project / PAGE, kept)
    return kept
