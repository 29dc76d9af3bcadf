"""Two worker processes over loopback: the same training as one, and what happens to a lost one."""

import csv
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.gan.tiny import environment, outputs, write_project

# several processes that start TensorFlow, on a busy machine
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SLOW_RATES = {"learning_rate": 0.0002, "beta_1": 0.5, "beta_2": 0.99}
"""Steps so small that a difference in the last digit stays one over sixty of them."""

TRAIN = {"images": 8 * 60, "generator": SLOW_RATES, "discriminator": SLOW_RATES}


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(root: Path, index: int, ports: list[int], **more: str) -> subprocess.Popen[str]:
    """Start worker `index` of as many as there are ports; the first one is the chief."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        [sys.executable, "-m", "ganflow", "train", *(["--join"] if index else [])],
        cwd=root,
        env=environment(root, TF_CONFIG=json.dumps(config) if ports else "", **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process: subprocess.Popen[str], seconds: float = 240) -> tuple[int, str]:
    try:
        said, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, said


def pair(chief: Path, joiner: Path, **more: str) -> tuple[str, str]:
    """Train with two workers to the end; returns what each said."""
    ports = free_ports(2)
    both = [start(chief, 0, ports, **more), start(joiner, 1, ports)]
    ended = [end(process) for process in both]
    assert [code for code, _ in ended] == [0, 0], "\n=====\n".join(said for _, said in ended)
    return ended[0][1], ended[1][1]


def table(path: Path) -> np.ndarray:
    with path.open() as stream:
        return np.array([[float(value) for value in row] for row in list(csv.reader(stream))[1:]])


@pytest.fixture(scope="module")
def joiner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A worker's folder, with the prepared images and of the extractor its card alone."""
    root = write_project(tmp_path_factory.mktemp("joiner"), train=TRAIN)
    (root / "data/extractor/weights.safetensors").rename(root / "aside")
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, joiner: Path) -> Path:
    """A training of two workers that nothing interrupted."""
    root = write_project(tmp_path_factory.mktemp("pair"), train=TRAIN)
    _, said = pair(root, joiner)
    assert "the chief has ended the training" in said
    return root


def test_two_workers_train_as_one(whole: Path, tmp_path: Path) -> None:
    """Losses, logits and distances over 60 steps, and every weight at the end."""
    alone = write_project(tmp_path, train=TRAIN)
    code, said = end(start(alone, 0, []))
    assert code == 0, said
    for name in ("history.csv", "quality.csv"):
        one, two = (table(root / "data/training" / name) for root in (alone, whole))
        assert one[-1, 0] == 480
        np.testing.assert_allclose(two, one, rtol=3e-5, atol=1e-5, err_msg=name)
    sizes = [{path: len(content) for path, content in outputs(r).items()} for r in (alone, whole)]
    assert sizes[0].keys() == sizes[1].keys()


def test_the_chief_alone_writes(whole: Path, joiner: Path) -> None:
    assert outputs(whole)
    assert not outputs(joiner)
    assert not list(joiner.glob(".ganflow/checkpoints/*"))
    assert not list(whole.glob(".ganflow/checkpoints/*"))


@pytest.mark.parametrize("victim", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_lost_worker_ends_the_other_and_both_resume(
    whole: Path, joiner: Path, tmp_path: Path, victim: int
) -> None:
    """Killed after a checkpoint; the rerun ends in the bytes of a run that nobody killed."""
    chief = write_project(tmp_path, train=TRAIN)
    ports = free_ports(2)
    both = [start(chief, 0, ports, GANFLOW_CHECKPOINT_SECONDS="0"), start(joiner, 1, ports)]
    while not list(chief.glob(".ganflow/checkpoints/*/latest")):
        assert both[0].poll() is None, both[0].communicate()
        time.sleep(0.05)
    both[victim].send_signal(signal.SIGKILL)
    code, said = end(both[1 - victim], 60)
    end(both[victim])
    assert code == 1, said
    name = "worker 1" if victim else "worker 0, the chief,"
    assert f"ganflow: {name} at 127.0.0.1:{ports[victim]} was lost" in said
    assert "python -m ganflow train --join" in said
    assert "Traceback" not in said
    assert not outputs(chief)

    said, _ = pair(chief, joiner)
    assert "resumed after" in said
    assert outputs(chief) == outputs(whole)


@pytest.mark.slow
def test_another_training_is_refused_and_named(tmp_path: Path) -> None:
    ports = free_ports(2)
    roots = [
        write_project(tmp_path / "chief", train=TRAIN),
        write_project(tmp_path / "joiner", train={**TRAIN, "images": 8 * 61}),
    ]
    for code, said in [end(p) for p in [start(r, i, ports) for i, r in enumerate(roots)]]:
        assert code == 1
        assert f"worker 1 at 127.0.0.1:{ports[1]} and the chief differ in train" in said
        assert "Traceback" not in said
