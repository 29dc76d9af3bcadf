"""The training loop: blocks of steps, snapshots, checkpoints, and checks for divergence."""

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from ganflow.base.errors import TrainingError
from ganflow.base.progress import progress
from ganflow.config.model import is_own
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoint, Checkpoints
from ganflow.gan.snapshots import PICTURE_COLUMNS, Snapshot, SnapshotEvaluator
from ganflow.gan.trainer import STEP_METRICS, Trainer
from ganflow.gan.workers import SINGLE, Workers

BLOCK_BYTES = 32 * 2**20
BLOCK_STEPS = 50
"""The largest number of steps in one call, after which history and progress get a row."""

CHECKPOINT_SECONDS = float(os.environ.get("GANFLOW_CHECKPOINT_SECONDS", "30"))

LOGIT_LIMIT = 1e4
"""A training does not recover from larger logits."""

LOSS_LIMIT = 100.0
"""A loss that stays above this shows a training that has diverged, if slowly."""

PERFECT_LOSS = 1e-5
"""The generator gets no gradient from a discriminator whose loss stays below this."""

EQUAL_LOGITS = 1e-6
"""A discriminator whose mean logits of real and fake images stay this close does not learn."""

FAILING_BLOCKS = 20
"""The number of blocks in either of these states after which the training has failed."""

EQUAL_IMAGES = 1.0
"""The standard deviation, in grey levels of 256, below which images count as equal."""


@dataclass
class History:
    """The measurements of a training so far.

    Attributes:
        rows: images seen, and the means of `STEP_METRICS` since the previous row.
        quality: images seen, and the Fréchet distance of the snapshot.
        pictures: the images of fixed latents, uint8 (N, H, W, C), by images seen.
        best: the snapshot with the smallest distance.
        since_best: the number of snapshots since the best one.
        diverged: why the training stopped before its end, if it diverged after a snapshot.
    """

    rows: list[list[float]] = field(default_factory=list)
    quality: list[tuple[int, float]] = field(default_factory=list)
    pictures: dict[int, np.ndarray] = field(default_factory=dict)
    best: Snapshot | None = None
    since_best: int = 0
    diverged: str = ""

    def add(self, snapshot: Snapshot) -> None:
        self.quality.append((snapshot.images, snapshot.fd))
        self.pictures[snapshot.images] = snapshot.picture
        if self.best is None or snapshot.fd < self.best.fd:
            self.best, self.since_best = snapshot, 0
        else:
            self.since_best += 1

    def logs(self) -> dict[str, float]:
        """What callbacks are told: the last row by name, and the distance of the last snapshot."""
        logs = dict(zip(("images", *STEP_METRICS), self.rows[-1], strict=True))
        return logs | ({"fd": self.quality[-1][1]} if self.quality else {})


def train(
    trainer: Trainer,
    batches: Batches,
    evaluator: SnapshotEvaluator,
    checkpoints: Checkpoints | None,
    workers: Workers = SINGLE,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    baseline: float | None = None,
    longer: Checkpoints | None = None,
) -> History:
    """Train to the end, from the last checkpoint if there is one.

    On return the trainer's variables are those of the last step; the best snapshot, with the
    weights of its generator, is in the history. A training that diverges after its first snapshot
    stops there, and the history says so.

    Args:
        callbacks: told of blocks of steps as of batches and of snapshots as of epochs, at the end
            of each, with `History.logs`. Their `model` is the averaged generator; where they set
            its `stop_training`, a last snapshot is taken. Their `params` are `what` ("train"), the
            number of `images` that it will see, the `history`, and the `baseline`.
        baseline: the distance that real images have in place of a snapshot's; None if not known.
        longer: the state of this training at `Trainer.longer_from`, whatever its length: a longer
            one goes on from it. None keeps none.

    Raises:
        TrainingError: the training has diverged or collapsed before there was a snapshot to keep.
    """
    snapshot_at = trainer.params.snapshot_steps()
    keep_at = _keep_at(snapshot_at, trainer)
    history, step = _resume(trainer, checkpoints, longer, keep_at)
    workers.broadcast_state(trainer.state(), step)
    saved, batch, model = time.monotonic(), trainer.params.batch, trainer.averaged
    told = _begin_callbacks(callbacks, trainer, history, baseline)
    with progress("train", trainer.steps * batch, done=step * batch) as shown:
        sizes = list(_blocks(step, snapshot_at, trainer))
        blocks = batches.blocks(step * batch, [size * batch for size in sizes])
        for size, (images, labels) in zip(sizes, blocks, strict=True):
            workers.broadcast_continue()
            metrics = trainer.train_steps(images, labels, np.int64(step)).numpy()
            step += size
            history.rows.append([step * batch, *(float(value) for value in metrics)])
            told.on_train_batch_end(len(history.rows) - 1, history.logs())
            problem = _divergence(history, trainer.params.objective)
            if not problem and (step in snapshot_at or model.stop_training):
                problem = _add_snapshot(history, evaluator.snapshot(step * batch), step, told)
            if problem:
                _stop(history, problem, step, batch)
                break
            shown.advance(size * batch, **_shown(metrics, history))
            if _ends_early(trainer, history, step * batch):
                break
            if longer and step == keep_at:
                _keep_for_longer(trainer, history, step, longer)
            if checkpoints and time.monotonic() - saved >= CHECKPOINT_SECONDS:
                _save(trainer, history, step, checkpoints)
                saved = time.monotonic()
    workers.broadcast_continue(False)
    told.on_train_end(history.logs())
    return history


def _begin_callbacks(
    callbacks: Sequence[keras.callbacks.Callback],
    trainer: Trainer,
    history: History,
    baseline: float | None,
) -> keras.callbacks.CallbackList:
    trainer.averaged.stop_training = False  # as `keras.Model.fit` does
    told = keras.callbacks.CallbackList(
        list(callbacks),
        model=trainer.averaged,
        what="train",
        images=trainer.steps * trainer.params.batch,
        history=history,
        baseline=baseline,
    )
    told.on_train_begin()
    return told


def _add_snapshot(
    history: History, snapshot: Snapshot, step: int, told: keras.callbacks.CallbackList
) -> str:
    """Add a snapshot to the history; why the training cannot go on, if it cannot."""
    if not _is_finite(snapshot):  # the losses of a block precede its last update
        return "the weights are no longer numbers"
    history.add(snapshot)
    _check_variety(history, step)
    told.on_epoch_end(len(history.quality) - 1, history.logs())
    return ""


def follow(trainer: Trainer, batches: Batches, workers: Workers) -> None:
    """Train as a worker, block by block, until the chief ends."""
    step, batch = workers.broadcast_state(trainer.state(), 0), trainer.params.batch
    sizes = list(_blocks(step, trainer.params.snapshot_steps(), trainer))
    for images, labels in batches.blocks(step * batch, [size * batch for size in sizes]):
        if not workers.broadcast_continue():
            return
        trainer.train_steps(images, labels, np.int64(step)).numpy()
        step += len(images) // batch
    workers.broadcast_continue()


def block_steps(trainer: Trainer) -> int:
    """The number of steps in one call, where no snapshot ends it."""
    step_bytes = trainer.params.batch * math.prod(trainer.design.shape)
    return max(1, min(BLOCK_STEPS, BLOCK_BYTES // step_bytes))


def _blocks(step: int, snapshot_at: list[int], trainer: Trainer) -> Iterator[int]:
    """The number of steps of each call, which ends at a multiple of a block or at a snapshot."""
    for end in _ends(step, snapshot_at, trainer):
        yield end - step
        step = end


def _keep_at(snapshot_at: list[int], trainer: Trainer) -> int:
    """The last end of a call whose state a longer training has too; 0 if there is none."""
    ends = (end for end in _ends(0, snapshot_at, trainer) if end <= trainer.longer_from)
    return max(ends, default=0)


def _ends(step: int, snapshot_at: list[int], trainer: Trainer) -> Iterator[int]:
    """The last step of each call."""
    block = block_steps(trainer)
    while step < trainer.steps:
        next_snapshot = next(next_snapshot for next_snapshot in snapshot_at if next_snapshot > step)
        step = min(next_snapshot, (step // block + 1) * block)
        yield step


def _divergence(history: History, objective: str) -> str:
    """How the training has diverged, with the metrics; nothing if it has not."""
    metrics = np.array([row[1:] for row in history.rows[-FAILING_BLOCKS:]])
    losses, real, fake = (
        metrics[:, STEP_METRICS.index(name)]
        for name in ("discriminator_loss", "real_logit", "fake_logit")
    )
    long_enough = len(metrics) == FAILING_BLOCKS
    # The losses of a critic have no bounds, nor need one's own: logits show when these diverge.
    bounded = objective != "wasserstein" and not is_own(objective)
    what = None
    if not np.isfinite(metrics[-1]).all():
        what = "a loss is no longer a number"
    elif max(abs(real[-1]), abs(fake[-1])) > LOGIT_LIMIT:
        what = "the discriminator's logits have exploded"
    elif long_enough and bounded and (losses > LOSS_LIMIT).all():
        what = "the discriminator's loss has exploded"
    elif long_enough and bounded and (np.abs(losses) < PERFECT_LOSS).all():
        what = "the discriminator is perfect, so the generator gets no gradient"
    elif long_enough and (np.abs(real - fake) < EQUAL_LOGITS).all():
        what = "the discriminator gives real and generated images the same logit"
    if what is None:
        return ""
    seen = ", ".join(f"{n} {v:.4g}" for n, v in zip(STEP_METRICS, metrics[-1], strict=True))
    return f"{what}: {seen}"


def _ends_early(trainer: Trainer, history: History, seen: int) -> bool:
    """Whether the training ends before its last step, which is said."""
    patience = trainer.params.patience
    reasons = (
        (patience and history.since_best >= patience, f"no better snapshot in {patience}"),
        (trainer.averaged.stop_training, "a callback asked for it"),
    )
    reason = next((words for applies, words in reasons if applies), "")
    if reason:
        print(f"{reason}: stopped after {seen} images")
    return bool(reason)


def _stop(history: History, problem: str, step: int, batch: int) -> None:
    """End a training that has diverged with its best snapshot, and say so.

    Raises:
        TrainingError: there is no snapshot yet.
    """
    error = _failure(problem, step)
    if history.best is None:
        raise error
    history.diverged = f"{problem}, after {step * batch:,} images"
    print(
        f"WARNING: the training diverged and was stopped: {history.diverged}. The best snapshot, "
        f"after {history.best.images:,} images, is kept. For a whole training: {error.run}",
        flush=True,
    )


def _check_variety(history: History, step: int) -> None:
    """Check that the generator has not collapsed to one image, or one for each class.

    It has if two successive snapshots say so. Columns of a picture are classes, rows are latents.
    """
    last = list(history.pictures.values())[-2:]
    columns = [p.reshape(-1, PICTURE_COLUMNS, *p.shape[1:]).astype(np.float64) for p in last]
    if len(last) == 2 and max(column.std(axis=0).max() for column in columns) < EQUAL_IMAGES:
        raise _failure("the generator has collapsed: it makes the same image of every latent", step)


def _is_finite(snapshot: Snapshot) -> bool:
    return all(np.isfinite(weights).all() for weights in snapshot.weights.values())


def _failure(what: str, step: int) -> TrainingError:
    return TrainingError(
        what,
        where=f"train, at step {step}",
        expected="finite losses, and logits from which both networks can learn",
        run="lower train.discriminator.learning_rate or raise train.penalties.r1.weight in "
        "params.yaml, then dvc repro; dvc checkout puts the last good model back",
    )


def _shown(metrics: np.ndarray, history: History) -> dict[str, float]:
    fd = {"fd": history.quality[-1][1]} if history.quality else {}
    return {"generator": float(metrics[0]), "discriminator": float(metrics[1]), **fd}


def _save(trainer: Trainer, history: History, step: int, checkpoints: Checkpoints) -> None:
    """Write a checkpoint. If the disk is full, the training continues without it."""
    arrays = {f"trainer/{name}": value.numpy() for name, value in trainer.state().items()}
    arrays |= {f"picture/{seen:012d}": image for seen, image in history.pictures.items()}
    progress: dict[str, Any] = {
        "step": step,
        "rows": history.rows,
        "quality": history.quality,
        "since_best": history.since_best,
    }
    if history.best is not None:
        progress["best"] = [history.best.images, history.best.fd]
        arrays |= {f"best/{name}": value for name, value in history.best.weights.items()}
    try:
        checkpoints.save(Checkpoint(arrays, progress))
    except OSError as error:
        print(f"the checkpoint could not be written, the training continues: {error}", flush=True)


def _keep_for_longer(trainer: Trainer, history: History, step: int, longer: Checkpoints) -> None:
    """Keep the state of this step, unless there is one of a later step."""
    kept = longer.load()
    if kept is None or kept.progress["step"] < step:
        longer.forget_others()
        _save(trainer, history, step, longer)


def _resume(
    trainer: Trainer, checkpoints: Checkpoints | None, longer: Checkpoints | None, most: int
) -> tuple[History, int]:
    """The history and the step of the last checkpoint, or of a shorter training's state.

    Args:
        most: the last step that a shorter training's state may have.
    """
    if checkpoints is None:
        return History(), 0
    checkpoint = checkpoints.load()
    if checkpoint is None and longer and (kept := longer.load()):
        checkpoint = kept if kept.progress["step"] <= most else None
    if checkpoint is None:
        for folder in checkpoints.unused():
            print(
                f"not used: the checkpoint in {folder}, which was written with other parameters, "
                "data or code",
                flush=True,
            )
        return History(), 0
    progress, arrays = checkpoint.progress, checkpoint.arrays
    for name, variable in trainer.state().items():
        variable.assign(arrays[f"trainer/{name}"])
    pictures = _below("picture/", arrays)
    history = History(
        progress["rows"],
        [(int(seen), fd) for seen, fd in progress["quality"]],
        {int(seen): image for seen, image in pictures.items()},
        since_best=progress["since_best"],
    )
    if "best" in progress:
        seen, fd = progress["best"]
        history.best = Snapshot(seen, fd, history.pictures[seen], _below("best/", arrays))
    print(f"resumed after {progress['step'] * trainer.params.batch} images", flush=True)
    return history, int(progress["step"])


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)}
