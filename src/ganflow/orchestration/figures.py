"""The last evaluation, in the report's own words, for a terminal and for Prefect's page."""

from pathlib import Path

from ganflow.report.summary import Verdict, judge
from ganflow.versions.reading import measured_at


def read_verdict(project: Path) -> Verdict | None:
    """What the project's last evaluation found; None where there is no readable one."""
    found = measured_at(None, project)
    return judge(found.metrics, found.detail) if found.metrics else None


def as_markdown(verdict: Verdict) -> str:
    """The sentence, and a table of the numbers that carry it."""
    lines = [
        verdict.sentence,
        "",
        "| metric | value | baseline | interval |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {f.name} | {f.value} | {f.baseline} | {f.interval} |" for f in verdict.findings]
    return "\n".join(lines) + "\n"
