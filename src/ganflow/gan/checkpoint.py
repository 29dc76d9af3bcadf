"""Checkpoints: the whole state of a training, from which it resumes after it was killed.

Checkpoints live in the state folder, keyed by everything that shapes the training
(parameters, data, code), so no other training uses them. Each is one file, a SHA-256 digest
followed by safetensors, which is written under another name and renamed. The previous one is kept
too, in case the last is damaged.

They are kept until DVC has recorded the outputs: DVC copies outputs into its cache after the stage
has ended, and if the disk is full at that moment, the training is not lost.
"""

import hashlib
import json
import os
import shutil
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

PACKAGE = Path(__file__).parents[1]

CODE = (
    "base",
    "config/model.py",
    "config/train.py",
    "features",
    "gan",
    "metrics/frechet.py",
    "stages/train.py",
)
"""What a training is computed by, as the stage's dependencies in dvc.yaml."""


@dataclass(frozen=True)
class Checkpoint:
    """The arrays of a training by name, and its progress as JSON values."""

    arrays: dict[str, np.ndarray]
    progress: dict[str, Any]


def training_key(inputs: Mapping[str, Any]) -> str:
    """A hash of everything that shapes a training.

    Args:
        inputs: parameters and hashes of the data, as JSON values. `CODE` is added here.
    """
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode())
    for part in CODE:
        path = PACKAGE / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(str(file.relative_to(PACKAGE)).encode() + file.read_bytes())
    return digest.hexdigest()[:32]


class Checkpoints:
    """The checkpoints of one training, by its key.

    Args:
        kind: the folder in the state folder: "checkpoints", or "longer" for those of all lengths.
    """

    def __init__(self, key: str, kind: str = "checkpoints") -> None:
        self.key = key
        self.folder = state_folder() / kind / key

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from this training during the block.

        Raises:
            HeldError: another process has it; the message says which.
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
                f"this training is already running in {who}",
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
        """The last undamaged checkpoint, or None."""
        for name in (LATEST, PREVIOUS):
            path = self.folder / name
            if not path.exists():
                continue
            content = path.read_bytes()
            body = content[DIGEST:]
            if hashlib.sha256(body).digest() != content[:DIGEST]:
                print(f"checkpoint {path} is damaged and is not used", flush=True)
                path.unlink()  # or the next save would keep it as the previous one
                continue
            header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
            progress = json.loads(header["__metadata__"]["progress"])
            return Checkpoint(safetensors.numpy.load(body), progress)
        return None

    def unused(self) -> list[Path]:
        """The folders of unfinished trainings with other parameters, data or code."""
        return sorted(
            latest.parent
            for latest in self.folder.parent.glob(f"*/{LATEST}")
            if latest.parent != self.folder and not (latest.parent / WRITTEN).exists()
        )

    def forget_others(self) -> None:
        """Remove the checkpoints of all other keys."""
        for folder in self.folder.parent.glob("*"):
            if folder != self.folder:
                shutil.rmtree(folder, ignore_errors=True)

    def finish(self, model: Path) -> None:
        """Remove the checkpoints of a finished training; under DVC only mark them as finished."""
        if "DVC_STAGE" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.folder.exists():
            write_json(
                self.folder / WRITTEN,
                {"workspace": str(Path.cwd()), "output": str(model), "hash": folder_hash(model)},
            )


def forget_recorded() -> None:
    """Remove the checkpoints of trainings whose outputs are recorded in dvc.lock."""
    for written in (state_folder() / "checkpoints").glob(f"*/{WRITTEN}"):
        told = read_json(written)
        if recorded_hash(Path(told["workspace"]), Path(told["output"])) == told["hash"]:
            shutil.rmtree(written.parent, ignore_errors=True)
