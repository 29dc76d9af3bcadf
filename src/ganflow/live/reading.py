"""What has changed in `.ganflow/live` since it was last looked at."""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganflow.live.run_folder import LOST, RUNNING, is_held, runs_in

TABLES = ("history", "quality")
AT_ONCE = 500
"""The most rows of a message, so that no message is large."""


@dataclass
class _Seen:
    """What has been told of a run."""

    about: dict[str, Any] = field(default_factory=dict)
    pictures: list[int] = field(default_factory=list)
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By table: the file's number, which changes when it is written anew, and the bytes told."""


class LiveReader:
    """Tells of the runs in a folder what it has not told before, and keeps none of it.

    Args:
        home: `.ganflow/live`, which need not be there.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.seen: dict[str, _Seen] = {}

    def news(self) -> Iterator[dict[str, Any]]:
        """Messages, JSON values, each with the name of a `run` and one of:

        `about`: what run.json has, where the state of a process that is no more is "lost";
        `pictures`: after how many images there are some, all of them;
        `table`, `columns`, `rows`, `anew`: more rows of a table, or of one that begins anew;
        `gone`: it was removed.
        """
        runs = runs_in(self.home)
        for name in self.seen.keys() - {run.name for run in runs}:
            del self.seen[name]
            yield {"run": name, "gone": True}
        for run in runs:
            seen = self.seen.setdefault(run.name, _Seen())
            for message in _news_of(run, seen):
                yield {"run": run.name, **message}


def _news_of(run: Path, seen: _Seen) -> Iterator[dict[str, Any]]:
    if seen.about.get("state", RUNNING) != RUNNING:
        return  # with that state, everything was told
    about = about_run(run)
    if about != seen.about:
        seen.about = about
        yield {"about": about}
    for table in TABLES:
        yield from _new_rows(run / f"{table}.csv", table, seen)
    pictures = sorted(int(path.stem) for path in run.glob("pictures/[0-9]*.png"))
    if pictures != seen.pictures:
        seen.pictures = pictures
        yield {"pictures": pictures}


def about_run(run: Path) -> dict[str, Any]:
    """What run.json says, with the state that the process is really in; empty if unreadable."""
    held = is_held(run)  # before the file is read: what ends in between has written its end
    try:
        about: dict[str, Any] = json.loads((run / "run.json").read_bytes())
    except (OSError, ValueError):
        return {}
    if about.get("state") == RUNNING and not held:
        about["state"] = LOST
    return about


def newest_run(home: Path, what: str, project: Path) -> Path | None:
    """The folder of the newest run of `what` in a project's folder; None where there is none."""
    for run in reversed(runs_in(home)):
        about = about_run(run)
        if (about.get("what"), about.get("project")) == (what, str(project)):
            return run
    return None


def snapshots_of(run: Path) -> list[tuple[int, float]]:
    """The snapshots of a run so far: images seen, and the Fréchet distance."""
    try:
        text = (run / "quality.csv").read_text()
    except OSError:
        return []
    whole = text.rpartition("\n")[0]  # a row may be half written
    rows = (line.split(",") for line in whole.splitlines()[1:])
    return [(int(float(images)), float(distance or "nan")) for images, distance in rows]


def _new_rows(path: Path, table: str, seen: _Seen) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            known, told = seen.files.get(table, (0, 0))
            anew = found.st_ino != known or found.st_size < told
            columns = stream.readline().decode().rstrip("\n").split(",")
            if not anew:
                stream.seek(told)
            content = stream.read()
            told = stream.tell()
    except (OSError, ValueError):
        return
    whole = content.rfind(b"\n") + 1  # what follows is not yet written to its end
    seen.files[table] = found.st_ino, told - len(content) + whole
    rows = [_numbers(line) for line in content[:whole].decode().splitlines()]
    for first in range(0, len(rows), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        yield {"table": table, "columns": columns, "rows": part, "anew": anew and first == 0}


def _numbers(line: str) -> list[float | None]:
    """The cells of a row; None for what is empty, or no finite number, which JSON does not have."""
    values = [float(cell) if cell else math.nan for cell in line.split(",")]
    return [value if math.isfinite(value) else None for value in values]
