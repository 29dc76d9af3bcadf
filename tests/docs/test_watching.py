"""docs/watching.md: its callbacks write what the viewers read, and DVC draws the live file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganflow import show
from ganflow.gan.training import History
from ganflow.live.callback import LiveLog
from tests.docs.commands import ROOT, blocks
from tests.live.told import told

PAGE = ROOT / "docs/watching.md"


def shown(name: str) -> keras.callbacks.Callback:
    """The page's callback of this name."""
    (block,) = (block for block in blocks(PAGE, "python") if f"class {name}(" in block)
    found: dict[str, Any] = {}
    exec(block, found)  # noqa: S102
    return found[name]()


def test_tensorboard_gets_event_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    history = History()
    told([shown("TensorBoard")], history, range(6))
    (path,) = (tmp_path / "events").iterdir()
    scalars: dict[str, list[tuple[int, float]]] = {}
    pictures = {}
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            if value.tag == "images":
                pictures[event.step] = tf.io.decode_png(value.image.encoded_image_string).numpy()
            else:
                scalars.setdefault(value.tag, []).append((event.step, value.simple_value))
    assert scalars["generator_loss"] == [(row[0], row[1]) for row in history.rows]
    assert scalars["fd"] == history.quality
    for seen, images in history.pictures.items():
        np.testing.assert_array_equal(pictures[seen][..., 0], np.asarray(show(images, 10)))


@pytest.mark.system
def test_mlflow_gets_metrics_and_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    history = History()
    with mlflow.start_run() as run:
        told([shown("MLflow")], history, range(6))
    client = mlflow.MlflowClient()
    distances = client.get_metric_history(run.info.run_id, "fd")
    assert [(point.step, point.value) for point in distances] == history.quality
    losses = client.get_metric_history(run.info.run_id, "generator_loss")
    assert [(point.step, point.value) for point in losses] == [
        tuple(row[:2]) for row in history.rows
    ]
    names = [found.path for found in client.list_artifacts(run.info.run_id)]
    assert names == [f"{seen:08d}.png" for seen in history.pictures]


def test_dvc_draws_the_live_file_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path / ".ganflow"))
    dvc = str(Path(sys.executable).with_name("dvc"))

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("git", "init", "--quiet")
    run(dvc, "init", "--quiet")
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    (line,) = blocks(PAGE, "text")
    (tmp_path / "dvc.yaml").write_text(f"plots:\n{line}")
    history = History()
    with LiveLog("train") as log:
        for blocks_told in (3, 6):
            told([log], history, range(len(history.rows), blocks_told))
            (plot,) = json.loads(run(dvc, "plots", "show", "--json"))["data"]["live"]
            values = plot["content"]["data"]["values"]
            assert len(values) == 2 * blocks_told
            assert {value["field"] for value in values} == {"generator_loss", "discriminator_loss"}
