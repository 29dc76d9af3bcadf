"""A long training holds no more memory than a short one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import psutil
import pytest

from ganflow.config.train import TrainParams
from ganflow.gan import training
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoints
from ganflow.gan.networks.design import Design
from ganflow.gan.snapshots import Snapshot, SnapshotEvaluator
from ganflow.gan.trainer import Trainer
from tests.gan.tiny import extractor, images

BATCH, SNAPSHOTS = 8, 26
STEPS = 100 * SNAPSHOTS


class Watching(SnapshotEvaluator):
    """Notes the process's memory, in MB, at every snapshot."""

    def snapshot(self, seen: int) -> Snapshot:
        taken = super().snapshot(seen)
        self.held = [*getattr(self, "held", []), psutil.Process().memory_info().rss / 2**20]
        return taken


def watched() -> list[float]:
    """What one training holds at each of its snapshots, in MB."""
    training.CHECKPOINT_SECONDS = 0.5
    train = TrainParams(images=BATCH * STEPS, batch=BATCH, snapshots=SNAPSHOTS)
    trainer = Trainer(Design("lean", (8, 8, 1), 2, 6), train, "float32", 3)
    evaluator = Watching(trainer, extractor(), images(300, 1)[0], [0.5, 0.5], 3)
    training.train(trainer, Batches(*images(500, 0), 3), evaluator, Checkpoints("key"))
    return evaluator.held


@pytest.mark.slow
def test_memory_is_flat_over_2000_steps_with_snapshots(tmp_path: Path) -> None:
    """From the 600th step, when everything has been traced and allocated, to the 2,600th.

    In a process of its own: what other tests leave behind would be measured as well.
    """
    program = "import json; from tests.gan.test_memory import watched; print(json.dumps(watched()))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "GANFLOW_STATE": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=240,
    )
    held = json.loads(done.stdout.splitlines()[-1])
    assert len(held) == SNAPSHOTS
    early, late = median(held[5:9]), median(held[-4:])
    # twenty snapshots' pictures and two thousand steps' history rows are under half a megabyte
    assert late - early < 4, held
