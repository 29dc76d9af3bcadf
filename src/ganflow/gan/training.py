"""The training from its first image to its last, whatever interrupts it."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganflow.base.errors import TrainingError
from ganflow.base.progress import progress, start_at
from ganflow.config.train import Objective
from ganflow.gan.batches import Batches
from ganflow.gan.checkpoint import Checkpoint, Checkpoints
from ganflow.gan.snapshots import PICTURE_COLUMNS, Judge, Snapshot
from ganflow.gan.trainer import FIGURES, Game
from ganflow.gan.workers import ALONE, Workers

BLOCK_BYTES = 32 * 2**20
BLOCK_STEPS = 50
"""Steps played in one call, at most: the grain of the history and of the progress."""

CHECKPOINT_SECONDS = float(os.environ.get("GANFLOW_CHECKPOINT_SECONDS", "30"))

EXPLODED = 1e4
"""Logits beyond this never come back."""

WON = 1e-5
"""A discriminator whose loss stays below this teaches the generator nothing."""

BLIND = 1e-6
"""A discriminator whose logits of real and generated images stay this close sees nothing."""

PATIENT_BLOCKS = 20
"""Blocks for which a discriminator may be perfect or blind before that is the end."""

ALIKE = 1.0
"""Standard deviation, in 256 grey levels, below which images are one and the same."""


@dataclass
class History:
    """What a training has shown so far.

    Attributes:
        rows: images seen, then the means of `FIGURES` since the row before.
        quality: images seen and the Fréchet distance there.
        pictures: images seen to the fixed latents' images, uint8 (N, H, W, C).
        best: the snapshot with the lowest distance.
        since_best: snapshots since then.
    """

    rows: list[list[float]] = field(default_factory=list)
    quality: list[tuple[int, float]] = field(default_factory=list)
    pictures: dict[int, np.ndarray] = field(default_factory=dict)
    best: Snapshot | None = None
    since_best: int = 0

    def add(self, snapshot: Snapshot) -> None:
        self.quality.append((snapshot.images, snapshot.fd))
        self.pictures[snapshot.images] = snapshot.picture
        if self.best is None or snapshot.fd < self.best.fd:
            self.best, self.since_best = snapshot, 0
        else:
            self.since_best += 1


def train(
    game: Game,
    batches: Batches,
    judge: Judge,
    checkpoints: Checkpoints,
    workers: Workers = ALONE,
) -> History:
    """Play the game to its end, from its last checkpoint if there is one; others follow.

    On return the game's variables are those of its last step; the history holds the best
    snapshot's generator.

    Raises:
        TrainingError: when the numbers leave what a training can come back from.
    """
    history, done = _resume(game, checkpoints)
    workers.begin(game.state(), done)
    marks = snapshot_steps(game.steps, game.params.snapshots)
    saved = time.monotonic()
    batch = game.params.batch
    with progress("train", game.steps * batch) as shown:
        start_at(shown, done * batch)
        sizes = list(_blocks(done, marks, game))
        blocks = batches.blocks(done * batch, [size * batch for size in sizes])
        for size, (images, labels) in zip(sizes, blocks, strict=True):
            workers.go_on()
            figures = game.play(images, labels, np.int64(done)).numpy()
            done += size
            history.rows.append([done * batch, *(float(figure) for figure in figures)])
            _check(history, done, game.params.objective)
            if done in marks:
                history.add(_finite(judge.snapshot(game, done * batch), done))
                _check_variety(history, done)
            shown.advance(size * batch, **_shown(figures, history))
            patience = game.params.patience
            if patience and history.since_best >= patience:
                print(f"no better snapshot in {patience}: stopped after {done * batch} images")
                break
            if time.monotonic() - saved >= CHECKPOINT_SECONDS:
                _save(game, history, done, checkpoints)
                saved = time.monotonic()
    workers.go_on(False)
    return history


def follow(game: Game, batches: Batches, workers: Workers) -> None:
    """Play the chief's blocks with it, until it wants no more."""
    done, batch = workers.begin(game.state(), 0), game.params.batch
    sizes = list(_blocks(done, snapshot_steps(game.steps, game.params.snapshots), game))
    for images, labels in batches.blocks(done * batch, [size * batch for size in sizes]):
        if not workers.go_on():
            return
        game.play(images, labels, np.int64(done)).numpy()
        done += len(images) // batch
    workers.go_on()


def snapshot_steps(steps: int, snapshots: int) -> list[int]:
    """After which steps to take a snapshot: evenly spaced, the last step included."""
    return sorted({max(1, round(steps * (i + 1) / snapshots)) for i in range(snapshots)})


def _blocks(done: int, marks: list[int], game: Game) -> Iterator[int]:
    """Steps to play in each call, so that calls end at multiples of a block and at marks."""
    step_bytes = game.params.batch * math.prod(game.design.shape)
    block = max(1, min(BLOCK_STEPS, BLOCK_BYTES // step_bytes))
    while done < game.steps:
        mark = next(mark for mark in marks if mark > done)
        end = min(mark, (done // block + 1) * block)
        yield end - done
        done = end


def _check(history: History, done: int, objective: Objective) -> None:
    """Stop a training that cannot come back.

    Raises:
        TrainingError: with what was seen, at which step, and what to try.
    """
    figures = np.array([row[1:] for row in history.rows[-PATIENT_BLOCKS:]])
    losses, real, fake = (
        figures[:, FIGURES.index(name)]
        for name in ("discriminator_loss", "real_logit", "fake_logit")
    )
    long_enough = len(figures) == PATIENT_BLOCKS
    what = None
    if not np.isfinite(figures[-1]).all():
        what = "a loss is no longer a number"
    elif max(abs(real[-1]), abs(fake[-1])) > EXPLODED:
        what = "the discriminator's logits have exploded"
    elif long_enough and objective != "wasserstein" and (np.abs(losses) < WON).all():
        # a critic's loss has no baseline: one that wins without bound is seen by its logits
        what = "the discriminator tells everything apart and teaches the generator nothing"
    elif long_enough and (np.abs(real - fake) < BLIND).all():
        what = "the discriminator no longer tells anything apart"
    if what:
        seen = ", ".join(f"{n} {v:.4g}" for n, v in zip(FIGURES, figures[-1], strict=True))
        raise _lost(f"{what}: {seen}", done)


def _check_variety(history: History, done: int) -> None:
    """Stop a generator that makes one image, or one for each class, at two snapshots running.

    The pictures' columns are classes and their rows latents, whatever the objective is.
    """
    last = list(history.pictures.values())[-2:]
    spread = [_columns_of(picture).std(axis=0).max() for picture in last]
    if len(spread) == 2 and max(spread) < ALIKE:
        raise _lost("the generator has collapsed: it makes the same image of every latent", done)


def _columns_of(picture: np.ndarray) -> np.ndarray:
    return picture.reshape(-1, PICTURE_COLUMNS, *picture.shape[1:]).astype(np.float64)


def _finite(snapshot: Snapshot, done: int) -> Snapshot:
    """The snapshot, if its weights are numbers: a block's losses come before its last update."""
    if not all(np.isfinite(weights).all() for weights in snapshot.weights.values()):
        raise _lost("the generator's weights are no longer numbers", done)
    return snapshot


def _lost(what: str, done: int) -> TrainingError:
    return TrainingError(
        what,
        where=f"train, at step {done}",
        expected="finite losses and logits of a size that both players can learn from",
        run="lower train.discriminator.learning_rate or raise train.penalties.r1.weight in "
        "params.yaml, then dvc repro; dvc checkout puts the last good model back",
    )


def _shown(figures: np.ndarray, history: History) -> dict[str, float]:
    shown = {"generator": float(figures[0]), "discriminator": float(figures[1])}
    if history.quality:
        shown["fd"] = history.quality[-1][1]
    return shown


def _save(game: Game, history: History, done: int, checkpoints: Checkpoints) -> None:
    """Write a checkpoint. A full disk costs the checkpoint, not the training."""
    arrays = {f"game/{name}": value.numpy() for name, value in game.state().items()}
    arrays |= {f"picture/{seen:012d}": image for seen, image in history.pictures.items()}
    progress: dict[str, Any] = {
        "done": done,
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
        print(f"the checkpoint could not be written, training goes on: {error}", flush=True)


def _resume(game: Game, checkpoints: Checkpoints) -> tuple[History, int]:
    checkpoint = checkpoints.load()
    if checkpoint is None:
        return History(), 0
    state = game.state()
    groups: dict[str, dict[str, np.ndarray]] = {"game": {}, "picture": {}, "best": {}}
    for name, array in checkpoint.arrays.items():
        group, rest = name.split("/", 1)
        groups[group][rest] = array
    for name, variable in state.items():
        variable.assign(groups["game"][name])
    progress = checkpoint.progress
    history = History(
        progress["rows"],
        [(int(seen), fd) for seen, fd in progress["quality"]],
        {int(seen): image for seen, image in groups["picture"].items()},
        since_best=progress["since_best"],
    )
    if "best" in progress:
        seen, fd = progress["best"]
        history.best = Snapshot(seen, fd, history.pictures[seen], groups["best"])
    print(f"resumed after {progress['done'] * game.params.batch} images", flush=True)
    return history, int(progress["done"])
