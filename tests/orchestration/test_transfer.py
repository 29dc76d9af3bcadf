"""Transfers that fail only cost time."""

from pathlib import Path

from ganflow.orchestration import transfer

STAGES = ("prepare", "extractor", "train", "sample", "evaluate")


def test_outputs_that_cannot_be_fetched_are_made_again(shared: Path, tmp_path: Path) -> None:
    (shared / "params.yaml").write_text("seed: 6\ntrain: {images: 128000}\n")
    lines: list[str] = []
    transfer.fetch_cached_outputs(shared, STAGES, lines.append)
    assert lines == [], "no worker has run it"
    (shared / "dvc.yaml").write_text("stages: nonsense")
    transfer.fetch_cached_outputs(shared, STAGES, lines.append)
    assert "the stages will run here" in lines[-1]
