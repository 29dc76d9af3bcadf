"""The callback that writes what a training tells its callbacks, for whoever watches it."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import keras
import numpy as np

from ganflow.base.errors import GanflowError
from ganflow.base.images import image_grid
from ganflow.base.paths import state_folder
from ganflow.gan.snapshots import PICTURE_COLUMNS
from ganflow.live.run_folder import DONE, FAILED, FOLDER, STOPPED, RunFolder
from ganflow.memory import peak_memory

MEASURED = ("images_per_second", "memory", "seconds")
"""Columns that are added to what callbacks are told: since the row before, the most bytes that the
process has had, and since the training began or went on."""


class LiveLog(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes a folder below `.ganflow/live` for each training that it is told of.

    It is used as a context, which begins the first one and says how each ended. What cannot be
    written is said once and left out, and the training goes on.

    Args:
        what: is trained first, "extractor" or "train".
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what, self.warning = what, ""  # of a training that ended all the same
        self.run: RunFolder | None = None
        self.broken = False
        self.begun = self.told = time.monotonic()
        self.seen = 0

    def __enter__(self) -> "LiveLog":
        self._begin(self.what)
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if error is None:
            self._end(DONE, self.warning)
            return
        if isinstance(error, GanflowError):
            self._end(FAILED, str(error))
        elif isinstance(error, Exception):
            self._end(FAILED, f"{type(error).__name__}: {error}")
        else:
            self._end(STOPPED, "interrupted")

    def on_train_begin(self, logs: Any = None) -> None:
        told = self.params
        history = told.get("history")
        self.seen = int(history.rows[-1][0]) if history and history.rows else 0
        facts = {"total": told["images"], "resumed": self.seen, "baseline": told.get("baseline")}
        if self.run is None or self.run.tables or self.run.what != told["what"]:
            self._begin(told["what"])
        self._write(lambda run: run.describe(facts))
        if self.seen:
            self._write(lambda run: _write_history(run, history))
        self.begun = self.told = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now, images = time.monotonic(), int(logs["images"])
        rate = (images - self.seen) / max(now - self.told, 1e-9)
        measured = dict(zip(MEASURED, (rate, peak_memory(), now - self.begun), strict=True))
        row = {name: logs[name] for name in _columns(logs)} | measured
        self.told, self.seen = now, images
        self._write(lambda run: run.add_row("history", row))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        images = int(logs["images"])
        picture = self.params["history"].pictures[images]
        self._write(lambda run: _write_snapshot(run, images, logs["fd"], picture))

    def on_train_end(self, logs: Any = None) -> None:
        history = self.params.get("history")
        self.warning = history.diverged if history else ""

    def _begin(self, what: str) -> None:
        self._end(DONE, self.warning)
        self.warning = ""
        try:
            self.run = RunFolder(state_folder() / FOLDER, what)
        except (OSError, GanflowError) as error:
            self._say(error)

    def _end(self, state: str, error: str) -> None:
        run, self.run = self.run, None
        if run is not None:
            try:
                run.end(state, error)
            except OSError as problem:
                self._say(problem)

    def _write(self, write: Callable[[RunFolder], None]) -> None:
        if self.run is not None and not self.broken:
            try:
                write(self.run)
            except OSError as error:
                self._say(error)

    def _say(self, error: Exception) -> None:
        if not self.broken:
            print(f"nothing more is written for /live, the training continues: {error}", flush=True)
        self.broken = True


def _columns(logs: Iterable[str]) -> list[str]:
    """The columns of a row: Keras hands logs on in the order of the alphabet."""
    return ["images", *sorted(set(logs) - {"images", "fd"})]


def _write_history(run: RunFolder, history: Any) -> None:
    """Write what the training had measured before it was interrupted."""
    names = [name for name in history.logs() if name != "fd"]
    columns = dict.fromkeys([*_columns(names), *MEASURED])
    for values in history.rows:
        run.add_row("history", columns | dict(zip(names, values, strict=True)))
    for images, fd in history.quality:
        _write_snapshot(run, images, fd, history.pictures[images])


def _write_snapshot(run: RunFolder, images: int, fd: float, picture: np.ndarray) -> None:
    run.add_row("quality", {"images": images, "fd": fd})
    run.add_picture(images, image_grid(picture, PICTURE_COLUMNS))
