"""The flow `pipeline`: its tasks and their order."""

import re
from collections.abc import Callable
from pathlib import Path

from ganflow.orchestration.flows.pipeline import STAGES
from tests.flows.conftest import ROOT, dvc

Fault = Callable[[str, str], None]


def edges(folder: Path) -> set[tuple[str, str]]:
    """DVC's own graph of the stages: (earlier, later)."""
    return set(re.findall(r'"(\w+)" -> "(\w+)"', dvc("dag", "--dot", cwd=folder)))


def test_tasks_come_in_the_order_of_dvcs_graph(tmp_path: Path) -> None:
    dvc("init", "--quiet", "--no-scm", cwd=tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    order = list(STAGES)
    graph = edges(tmp_path)
    assert {stage for edge in graph for stage in edge} == set(order)
    assert all(order.index(earlier) < order.index(later) for earlier, later in graph)


def test_every_stage_has_the_task_that_is_named_for_it() -> None:
    assert [task.name for task in STAGES.values()] == [
        "prepare_data",
        "train_extractor",
        "train_gan",
        "generate_samples",
        "evaluate_samples",
        "write_report",
    ]
    for task in STAGES.values():
        assert task.persist_result is False
        assert task.cache_policy is not None
        assert task.cache_policy.compute_key(None, {}, {}) is None  # type: ignore[arg-type]
