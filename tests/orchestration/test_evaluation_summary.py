"""The summary of the last evaluation."""

from pathlib import Path

from ganflow.orchestration.evaluation_summary import as_markdown, read_summary


def test_metrics_have_their_baselines_and_intervals(project: Path) -> None:
    (project / "data/evaluation/metrics.json").write_text(
        '{"fd": {"value": 2.5, "baseline": 1.0, "low": 2.25, "high": 2.75, "ratio": 2.5},'
        ' "classes": {"kl": 0.01}, "profile": "quick"}'
    )
    summary = read_summary(project)
    assert summary is not None
    assert [finding.name for finding in summary.findings] == [
        "Fréchet distance",
        "Class divergence",
    ]
    assert "| Fréchet distance | 2.5 | 1 | 2.25 to 2.75 |" in as_markdown(summary)
    (project / "data/evaluation/metrics.json").write_text("half a fi")
    assert read_summary(project) is None
