"""Outputs that one worker has made are restored by another, through the DVC remote."""

from pathlib import Path

from ganflow.orchestration import transfer
from ganflow.orchestration.stage import Outcome, reproduce
from tests.flows.conftest import dvc, run

STAGES = ("prepare", "extractor", "train", "sample", "evaluate")


def test_a_stage_that_was_run_elsewhere_is_restored(shared: Path, tmp_path: Path) -> None:
    (shared / "params.yaml").write_text("seed: 5\ntrain: {images: 128000}\n")
    dvc("repro", "--quiet", cwd=shared)
    transfer.push(shared, print)
    other = tmp_path / "other"
    run("git", "clone", "--quiet", str(tmp_path / "origin.git"), str(other), cwd=tmp_path)
    (other / "faults").mkdir(exist_ok=True)
    dvc("remote", "modify", "--local", "storage", "url", str(tmp_path / "storage"), cwd=other)
    transfer.pull(other, print)
    (other / "params.yaml").write_text("seed: 5\ntrain: {images: 128000}\n")
    lines: list[str] = []
    transfer.fetch_cached_outputs(other, STAGES, lines.append)
    assert [line.split()[1] for line in lines if line.startswith("stage ")][:2] == [
        "train",
        "sample",
    ]
    assert reproduce("train", other) is Outcome.RESTORED
    assert reproduce("sample", other) is Outcome.RESTORED
    assert (other / "data/model/file.txt").read_text().startswith("seed: 5")
