"""A training's whole state on disk, so that it survives being killed at any moment.

Checkpoints live in the state folder, keyed by everything that shapes the training
(parameters, data, code): another training never finds this one's. Each is one file, a
SHA-256 digest followed by safetensors, written whole and renamed; the one before is kept
until the next is written, for the case that the last is damaged.

They outlive the training until DVC has recorded what it wrote: DVC copies outputs into its cache
after the stage has ended, and a disk that is full by then must not cost the training.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from filelock import FileLock, Timeout

from ganflow.base.errors import HeldError
from ganflow.base.files import read_json, write_bytes, write_json
from ganflow.base.paths import state_folder
from ganflow.base.recorded import folder_hash, recorded_hash

LATEST, PREVIOUS, WRITTEN = "latest", "previous", "written"
DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and what else must be known to go on."""

    arrays: dict[str, np.ndarray]
    progress: dict[str, Any]


def training_key(inputs: Mapping[str, Any]) -> str:
    """A hash of everything that shapes a training.

    Args:
        inputs: parameters and hashes of the data, as JSON can hold them. The code that is
            loaded is added here.
    """
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode())
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] == "ganflow" and module.__file__:
            digest.update(name.encode() + Path(module.__file__).read_bytes())
    return digest.hexdigest()[:32]


class Checkpoints:
    """The checkpoints of one training, by its key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.folder = state_folder() / "checkpoints" / key

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold this training for the block: a second process is refused, not joined.

        Raises:
            HeldError: saying which process holds it.
        """
        path = state_folder() / "locks" / f"train-{self.key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = path.with_suffix(".holder")
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = holder.read_text() if holder.exists() else "another process"
            raise HeldError(
                f"this very training is under way already, in {who}",
                where=str(path),
                expected="one training for the same parameters, data and code",
                run="wait for it to end, or end that process, then run this again",
            ) from None
        try:
            holder.write_text(f"process {os.getpid()}, folder {Path.cwd()}")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def save(self, checkpoint: Checkpoint) -> None:
        content = safetensors.numpy.save(
            {name: np.asarray(array, order="C") for name, array in checkpoint.arrays.items()},
            metadata={"progress": json.dumps(checkpoint.progress)},
        )
        (self.folder / WRITTEN).unlink(missing_ok=True)
        latest = self.folder / LATEST
        if latest.exists():
            latest.replace(self.folder / PREVIOUS)
        write_bytes(latest, hashlib.sha256(content).digest() + content)

    def load(self) -> Checkpoint | None:
        """The last whole checkpoint, or None if there is none."""
        for name in (LATEST, PREVIOUS):
            path = self.folder / name
            if not path.exists():
                continue
            content = path.read_bytes()
            body = content[DIGEST:]
            if hashlib.sha256(body).digest() != content[:DIGEST]:
                print(f"checkpoint {path} is damaged and is passed over", flush=True)
                path.unlink()  # or the next save would keep it as the previous, good one
                continue
            header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
            progress = json.loads(header["__metadata__"]["progress"])
            return Checkpoint(safetensors.numpy.load(body), progress)
        return None

    def finish(self, model: Path) -> None:
        """The results are written: forget this training, now or when DVC has recorded them."""
        if "DVC_STAGE" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.folder.exists():
            write_json(
                self.folder / WRITTEN,
                {"workspace": str(Path.cwd()), "output": str(model), "hash": folder_hash(model)},
            )


def forget_recorded() -> None:
    """Remove the checkpoints of trainings whose results stand in their workspace's dvc.lock."""
    for written in (state_folder() / "checkpoints").glob(f"*/{WRITTEN}"):
        told = read_json(written)
        if recorded_hash(Path(told["workspace"]), Path(told["output"])) == told["hash"]:
            shutil.rmtree(written.parent, ignore_errors=True)
