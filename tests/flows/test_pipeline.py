"""The flow `pipeline`, and `python -m flows.pipeline`, which runs it with no server about."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.pipeline import STAGES
from ganflow.orchestration.figures import as_markdown, read_verdict
from ganflow.orchestration.stage_progress import percentage
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


def test_progress_lines_are_those_that_ganflow_writes(capsys: pytest.CaptureFixture[str]) -> None:
    from ganflow.base import progress

    shown = progress._Lines("train", 200, "images")
    shown.printed = -1e9
    shown.advance(50, fd=3.25)
    assert percentage(capsys.readouterr().out) == 25.0
    assert percentage("progress: none") is None
    assert percentage("loss 3/4 images") is None


def test_figures_carry_their_baselines_and_intervals(project: Path) -> None:
    (project / "data/evaluation/metrics.json").write_text(
        '{"fd": {"value": 2.5, "baseline": 1.0, "low": 2.25, "high": 2.75, "ratio": 2.5},'
        ' "classes": {"kl": 0.01}, "profile": "quick"}'
    )
    verdict = read_verdict(project)
    assert verdict is not None
    assert [finding.name for finding in verdict.findings] == [
        "Fréchet distance",
        "Class divergence",
    ]
    assert "| Fréchet distance | 2.5 | 1 | 2.25 to 2.75 |" in as_markdown(verdict)
    (project / "data/evaluation/metrics.json").write_text("half a fi")
    assert read_verdict(project) is None


@contextmanager
def foreign_server() -> Iterator[tuple[str, list[object]]]:
    """An address that notes who calls, as somebody's cloud account would."""
    calls: list[object] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def note() -> None:
            while True:
                try:
                    connection, caller = listener.accept()
                except OSError:
                    return
                calls.append(caller)
                connection.close()

        threading.Thread(target=note, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api", calls
        listener.shutdown(socket.SHUT_RDWR)


def demonstrate(project: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    (project / "data" / "raw" / "mnist").mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "flows.pipeline"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **environment},
        text=True,
        capture_output=True,
        check=False,
    )


def test_a_demonstration_reaches_nobodys_account(project: Path, tmp_path: Path) -> None:
    with foreign_server() as (address, calls):
        home = tmp_path / "home"
        (home / ".prefect").mkdir(parents=True)
        (home / ".prefect/profiles.toml").write_text(
            f'active = "cloud"\n[profiles.cloud]\nPREFECT_API_URL = "{address}"\n'
            'PREFECT_API_KEY = "key"\n'
        )
        (project / ".env").write_text(f"PREFECT_API_URL={address}\nPREFECT_API_KEY=key\n")
        (project / "prefect.toml").write_text(f'[api]\nurl = "{address}"\n')
        done = demonstrate(
            project,
            HOME=str(home),
            PREFECT_API_URL=address,
            PREFECT_API_KEY="key",
            PREFECT_PROFILE="cloud",
            PREFECT_CLOUD_API_URL=address,
        )
    assert calls == []
    assert done.returncode == 0, done.stderr
    assert "no stage had to run" in done.stdout
    assert "data/evaluation/metrics.json" in done.stdout
    assert (project / ".ganflow/prefect/prefect.db").exists()


def test_a_failure_is_one_readable_error(project: Path, fault: Fault) -> None:
    (project / "params.yaml").write_text("seed: 1\ntrain: {images: 128000}\n")
    fault("train", "fail")
    done = demonstrate(project)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error: stage train failed") == 1
    assert "something broke" in done.stderr


def test_a_wrong_parameter_is_told_before_anything_starts(project: Path) -> None:
    (project / "params.yaml").write_text("seed: 1\ntrain: {imges: 128000}\n")
    done = demonstrate(project)
    assert done.returncode == 1
    assert "Did you mean images" in done.stderr
    assert not (project / ".ganflow/prefect/prefect.db").exists()
