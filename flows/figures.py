"""The last evaluation, in the report's own words, for a terminal and for Prefect's page."""

from pathlib import Path

from ganflow import layout
from ganflow.errors import GanflowError
from ganflow.files import read_json
from ganflow.report.verdict import Verdict, judge

METRICS = layout.EVALUATION / "metrics.json"
DETAIL = layout.EVALUATION / "detail.json"


def read_verdict(project: Path) -> Verdict | None:
    """What the project's last evaluation found; None where there is no readable one."""
    try:
        metrics = read_json(project / METRICS)
        detail = read_json(project / DETAIL) if (project / DETAIL).is_file() else {}
    except GanflowError:
        return None
    return judge(metrics, detail) if isinstance(metrics, dict) else None


def as_markdown(verdict: Verdict) -> str:
    """The sentence, and a table of the numbers that carry it."""
    lines = [verdict.sentence, "", "| metric | value | floor | interval |", "|---|---:|---:|---:|"]
    lines += [f"| {f.name} | {f.value} | {f.floor} | {f.interval} |" for f in verdict.findings]
    return "\n".join(lines) + "\n"
