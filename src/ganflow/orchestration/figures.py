"""The last evaluation, in the report's own words, for a terminal and for Prefect's page."""

from pathlib import Path

from ganflow.base import paths
from ganflow.base.errors import GanflowError
from ganflow.base.files import read_json
from ganflow.report.summary import Verdict, judge

METRICS = paths.EVALUATION / "metrics.json"
DETAIL = paths.EVALUATION / "detail.json"


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
