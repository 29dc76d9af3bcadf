"""The folder of one training below `.ganflow/live`, while it is written, and how large it may get.

    20260131-094500-123456-train/
        run.json         what runs and where, how many images it will see, how it ended and why
        history.csv      a row for each block of steps; of a long training every 2nd, 4th, ...
        quality.csv      a row for each snapshot
        pictures/        a grid for each snapshot; of many some, evenly spaced
        lock             held by the process for as long as it lives
    train -> 20260131-094500-123456-train, the newest of its kind

Nothing here is an input or an output of a stage.
"""

import fcntl
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganflow.base.files import write_bytes, write_json, write_text
from ganflow.base.images import png

FOLDER = "live"
"""Its name in the state folder."""

MOST_ROWS = 1000
"""Of a table; when there are more, every second one is dropped, from then on too."""

PICTURE_BYTES = 8 * 2**20
"""Of a run; when there are more, the picture nearest to those beside it is dropped."""

RUN_BYTES = PICTURE_BYTES + 2 * 2**20
ALL_BYTES = 50 * 2**20
MOST_RUNS = 20

RUNNING, DONE, FAILED, STOPPED, LOST = "running", "done", "failed", "stopped", "lost"
"""States of a run. One whose process ended without saying so is lost, which no file says."""


class Table:
    """A CSV file of numbers that grows by a row at a time, and stays small.

    Args:
        columns: the first one tells the rows apart.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, list(columns)
        self.seen, self.stride = 0, 1
        self.lines: list[str] = []
        self.stream: TextIOWrapper | None = None

    def add(self, values: Mapping[str, float | None]) -> None:
        """Append a row, or leave it out where the table holds one of several already."""
        self.seen += 1
        if (self.seen - 1) % self.stride:
            return
        line = ",".join(_number(values.get(column)) for column in self.columns) + "\n"
        self.lines.append(line)
        if self.stream is None or len(self.lines) > MOST_ROWS:
            self._rewrite()
        else:
            self.stream.write(line)
            self.stream.flush()

    def _rewrite(self) -> None:
        """Write all rows, or every second one where they are too many, in place of the file."""
        if len(self.lines) > MOST_ROWS:
            self.lines, self.stride = self.lines[::2], 2 * self.stride
        self.close()
        write_text(self.path, "".join([",".join(self.columns) + "\n", *self.lines]))
        self.stream = self.path.open("a")

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


class RunFolder:
    """A run that this process writes.

    Args:
        home: `.ganflow/live`; old runs in it are removed where there are too many.
        what: what runs, such as "train".

    Raises:
        OSError: from any method, where something cannot be written.
    """

    def __init__(self, home: Path, what: str) -> None:
        now = datetime.now(UTC)
        home.mkdir(parents=True, exist_ok=True)
        _make_room(home)
        kind = what.replace(" ", "-")
        self.folder = home / f"{now:%Y%m%d-%H%M%S-%f}-{kind}"
        self.folder.mkdir()
        self.lock = _held(self.folder)
        self.what = what
        self.about: dict[str, Any] = {
            "what": what,
            "project": str(Path.cwd()),
            "state": RUNNING,
            "started": _stamp(now),
        }
        self.sizes: dict[int, int] = {}
        self.tables: dict[str, Table] = {}
        self.describe({})
        newest = home / f".{self.folder.name}"
        newest.symlink_to(self.folder.name)
        newest.replace(home / kind)

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Add to what run.json says, JSON values."""
        self.about |= facts
        write_json(self.folder / "run.json", self.about)

    def add_row(self, table: str, values: Mapping[str, float | None]) -> None:
        """Append to a table, whose columns are those of its first row."""
        if table not in self.tables:
            self.tables[table] = Table(self.folder / f"{table}.csv", list(values))
        self.tables[table].add(values)

    def add_picture(self, images: int, sheet: np.ndarray) -> None:
        """Keep the grid of a snapshot, uint8 (H, W, C), and the first and the last in any case."""
        content = png(sheet, quick=True)
        write_bytes(self._picture(images), content)
        self.sizes[images] = len(content)
        while sum(self.sizes.values()) > PICTURE_BYTES and len(self.sizes) > 2:
            seen = sorted(self.sizes)
            gaps = {
                now: after - before
                for before, now, after in zip(seen, seen[1:], seen[2:], strict=False)
            }
            dropped = min(gaps, key=gaps.__getitem__)
            self._picture(dropped).unlink(missing_ok=True)
            del self.sizes[dropped]

    def _picture(self, images: int) -> Path:
        return self.folder / "pictures" / f"{images:012d}.png"

    def end(self, state: str, error: str = "") -> None:
        """Say how it ended, and let go of the folder."""
        try:
            self.describe({"state": state, "error": error, "ended": _stamp(datetime.now(UTC))})
        finally:
            for table in self.tables.values():
                table.close()
            self.lock.close()


def runs_in(home: Path) -> list[Path]:
    """The folders of runs, the oldest first."""
    found = (path.parent for path in home.glob("*/run.json"))
    return sorted(run for run in found if not run.is_symlink())


def is_held(run: Path) -> bool:
    """Whether the process that writes a run is alive."""
    try:
        with (run / "lock").open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _held(run: Path) -> BinaryIO:
    stream = (run / "lock").open("wb")
    fcntl.flock(stream, fcntl.LOCK_EX)
    return stream


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _make_room(home: Path) -> None:
    """Remove the oldest runs that have ended until one more fits."""
    runs = runs_in(home)
    held = [run for run in runs if is_held(run)]
    room = ALL_BYTES - RUN_BYTES * (1 + len(held))
    ended = [run for run in runs if run not in held]
    while ended and (len(ended) + len(held) >= MOST_RUNS or sum(map(_bytes_in, ended)) > room):
        shutil.rmtree(ended.pop(0), ignore_errors=True)


def _bytes_in(run: Path) -> int:
    return sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
