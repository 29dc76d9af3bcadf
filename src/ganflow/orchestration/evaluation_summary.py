"""A summary of the last evaluation, as in the report, for the terminal and for Prefect's page."""

from pathlib import Path

from ganflow.report.summary import Summary, summarize
from ganflow.versions.reading import measured_at


def read_summary(project: Path) -> Summary | None:
    """Summarize the project's last evaluation; None if there is none that can be read."""
    found = measured_at(None, project)
    return summarize(found.metrics, found.detail) if found.metrics else None


def as_markdown(summary: Summary) -> str:
    """The summary's sentence, and a table of its metrics."""
    lines = [
        summary.sentence,
        "",
        "| metric | value | baseline | interval |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {f.name} | {f.value} | {f.baseline} | {f.interval} |" for f in summary.findings]
    return "\n".join(lines) + "\n"
