"""Telling people how far long work has come.

On a terminal this is a bar; in a pipe, a log or a Prefect run it is one line every few
seconds, in a form that `flows` turns into a progress artifact:

    progress: train 12800/128000 images, 10 %, 1020 images/s, 1:53 left, fd 12.3

In a notebook it is this line too, which stays one and changes.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_CHANGES = 0.5
"""Of the line in a notebook, which sends each over a network."""


class Progress(Protocol):
    def advance(self, by: int = 1, **figures: float) -> None:
        """Report `by` more units done, and figures to show beside them."""


@contextmanager
def progress(what: str, total: int, unit: str = "images", done: int = 0) -> Iterator[Progress]:
    """Show the progress of `total` units of work called `what` while the block runs.

    Args:
        done: units that an earlier, interrupted run has finished.
    """
    if sys.stderr.isatty():
        with _bar(what, total, unit, done) as bar:
            yield bar
    elif "ipykernel" in sys.modules:
        line = _ChangingLine(what, total, unit, done)
        try:
            yield line
        finally:
            line.end()
    else:
        yield _Lines(what, total, unit, done)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal that work of unknown length goes on while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


class _Lines:
    def __init__(self, what: str, total: int, unit: str, done: int = 0) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = self.resumed_at = done
        self.started = self.printed = time.monotonic()

    def advance(self, by: int = 1, **figures: float) -> None:
        self.done += by
        now = time.monotonic()
        finished = self.done >= self.total and now - self.started > SECONDS_BETWEEN_LINES
        if finished or now - self.printed >= SECONDS_BETWEEN_LINES:
            self.printed = now
            print(self.line(now, figures), flush=True)

    def line(self, now: float, figures: Mapping[str, float]) -> str:
        rate = (self.done - self.resumed_at) / max(now - self.started, 1e-9)
        left = int(max(self.total - self.done, 0) / max(rate, 1e-9))
        shown = "".join(f", {name} {value:.4g}" for name, value in figures.items())
        return (
            f"progress: {self.what} {self.done}/{self.total} {self.unit}, "
            f"{100 * self.done / max(self.total, 1):.0f} %, {_short(rate)} {self.unit}/s, "
            f"{left // 60}:{left % 60:02d} left{shown}"
        )


class _ChangingLine(_Lines):
    """One line that changes, as a notebook shows what follows a carriage return."""

    text = ""

    def advance(self, by: int = 1, **figures: float) -> None:
        self.done += by
        now = time.monotonic()
        if now - self.printed >= SECONDS_BETWEEN_CHANGES or (self.text and self.done >= self.total):
            self.printed = now
            self.text = self.line(now, figures).ljust(len(self.text))
            print(f"\r{self.text}", end="", flush=True)

    def end(self) -> None:
        if self.text:
            print()


def _short(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"


@contextmanager
def _bar(what: str, total: int, unit: str, done: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )

    with RichProgress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total, completed=done, rate="", figures="")

        class Bar:
            def advance(self, by: int = 1, **figures: float) -> None:
                bars.advance(task, by)
                speed = bars.tasks[0].speed
                bars.update(
                    task,
                    rate=f"{_short(speed)}/s" if speed else "",
                    figures=" ".join(f"{name} {value:.3g}" for name, value in figures.items()),
                )

        yield Bar()
