"""Artifacts in Prefect's page: images are embedded and small enough, reports are kept."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganflow.orchestration import artifacts


def picture_in(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_a_grid_is_shown_pixel_by_pixel(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 120), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grid.png")
    address = artifacts.data_url(tmp_path / "grid.png")
    assert address.startswith("data:image/png;base64,")
    assert (np.asarray(picture_in(address)) == pixels).all()


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_a_large_grid_is_made_to_fit(tmp_path: Path, channels: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 1200, *channels), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").stat().st_size > artifacts.MOST_BYTES
    address = artifacts.data_url(tmp_path / "grid.png")
    assert len(address) < 1.4 * artifacts.MOST_BYTES
    shown = picture_in(address)
    assert shown.format == "JPEG"
    assert min(shown.size) >= 300


def test_a_report_outlives_its_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / "state"))
    assert artifacts.keep_report(tmp_path, "retrain-1") is None
    (tmp_path / artifacts.PAGE).parent.mkdir(parents=True)
    (tmp_path / artifacts.PAGE).write_text("page")
    kept = artifacts.keep_report(tmp_path, "retrain-1")
    assert kept is not None
    (tmp_path / artifacts.PAGE).unlink()
    assert kept.read_text() == "page"
    assert kept.is_relative_to(tmp_path / "state")
    assert str(kept) in artifacts.samples_page(write_grid(tmp_path), kept)


def write_grid(folder: Path) -> Path:
    Image.new("L", (8, 8)).save(folder / "grid.png")
    return folder / "grid.png"


def test_metrics_have_their_baselines_and_intervals(project: Path) -> None:
    (project / "data/evaluation/metrics.json").write_text(
        '{"fd": {"value": 2.5, "baseline": 1.0, "low": 2.25, "high": 2.75, "ratio": 2.5},'
        ' "classes": {"kl": 0.01}, "profile": "quick"}'
    )
    summary = artifacts.read_summary(project)
    assert summary is not None
    assert [finding.name for finding in summary.findings] == [
        "Fréchet distance",
        "Class divergence",
    ]
    assert "| Fréchet distance | 2.5 | 1 | 2.25 to 2.75 |" in artifacts.as_markdown(summary)
    (project / "data/evaluation/metrics.json").write_text("half a fi")
    assert artifacts.read_summary(project) is None
