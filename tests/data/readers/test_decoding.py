"""Decoding in worker processes: the same rows, in order, and a crash costs one picture."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ganflow.data.readers.decoding import Decoded, Job, run, work
from ganflow.data.readers.listing import Entry
from ganflow.data.readers.pictures import Form

FORM = Form(8, 8, "L")


def crash_on_seven(job: Job) -> Decoded:
    """A decoder that dies of its seventh picture, as one with a bug in C would."""
    if any(entry.name.startswith("7") for entry in job.entries):
        os.kill(os.getpid(), signal.SIGKILL)
    return work(job)


def jobs(folder: Path, images: int, batch: int) -> list[Job]:
    rows = folder / "rows"
    rows.touch()
    for number in range(images):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / f"{number}.png")
    entries = [Entry(f"{number}.png") for number in range(images)]
    return [
        Job(first, folder, rows, FORM, entries[first : first + batch])
        for first in range(0, images, batch)
    ]


def test_processes_write_the_rows_that_one_would(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 30, 4)
    for workers in (0, 2):
        (tmp_path / "rows").write_bytes(b"")
        done = list(run(todo, workers))
        assert [part.first for part in done] == [job.first for job in todo]
        assert all(part.findings["usable"].all() for part in done)
        rows = np.fromfile(tmp_path / "rows", np.uint8).reshape(30, 64)
        np.testing.assert_array_equal(rows, np.arange(30)[:, None].repeat(64, axis=1))


def test_a_crash_costs_the_picture_that_caused_it(tmp_path: Path) -> None:
    done = list(run(jobs(tmp_path, 20, 5), 2, crash_on_seven))
    usable = {
        part.first + place: bool(good)
        for part in done
        for place, good in enumerate(part.findings["usable"])
    }
    assert usable == {number: number != 7 for number in range(20)}
    assert [fault for part in done for fault in part.faults] == [
        (0, "unreadable", "it crashes the decoder")
    ]


def test_workers_that_cannot_start_are_not_blamed_on_the_pictures(tmp_path: Path) -> None:
    jobs(tmp_path, 4, 2)
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from pathlib import Path\n"
        "from ganflow.data.readers.decoding import Job, run\n"
        "from ganflow.data.readers.listing import Entry\n"
        "from ganflow.data.readers.pictures import Form\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "job = Job(0, folder, folder / 'rows', Form(8, 8, 'L'), [Entry('0.png')])\n"
        "print(list(run([job], 1)))\n"
    )
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode
    assert not ended.stdout
    last = ended.stderr[ended.stderr.rindex("GanflowError") :]
    assert "unguarded.py" in last
    assert "__main__" in last
