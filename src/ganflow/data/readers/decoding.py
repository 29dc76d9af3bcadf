"""Decode pictures on all processors, into rows of one file.

A worker is told where some pictures are, writes their rows itself and returns a few numbers for
each. So no pixels pass between processes, and memory does not grow with the number of pictures.
A picture that crashes its worker is found and left out.
"""

import hashlib
import multiprocessing
import os
import resource
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from multiprocessing import forkserver
from pathlib import Path
from types import FrameType
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image

from ganflow.base.errors import GanflowError
from ganflow.data import near_duplicates
from ganflow.data.inference import Evidence
from ganflow.data.readers.folder import FileChangedError, read_ahead, read_file
from ganflow.data.readers.limits import MAX_SECONDS
from ganflow.data.readers.listing import RAW, WHOLE, Entry
from ganflow.data.readers.pictures import Form, UnusableError, decode, to_form
from ganflow.data.readers.zipped import read_member
from ganflow.data.rejects import reason

T = TypeVar("T")
R = TypeVar("R")

FEW = 200
"""Up to this many pictures are decoded in this process: starting workers would take longer."""

BATCH = 128
GREY_NOISE = 8
"""How far the channels of a grey pixel may differ, of 255: JPEG keeps colours inexactly."""

WORKER_MEMORY = 3 * 2**30


@dataclass(frozen=True)
class Job:
    """Some pictures, or some images of an array, which become the rows from `first` on."""

    first: int
    root: Path
    rows: Path
    form: Form
    entries: list[Entry] = field(default_factory=list)
    block: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.entries) if self.block is None else len(self.block)

    def part(self, start: int, end: int) -> "Job":
        block = None if self.block is None else self.block[start:end]
        return replace(self, first=self.first + start, entries=self.entries[start:end], block=block)


FINDINGS = np.dtype(
    [("usable", bool), ("source", np.uint64, 2), ("pixels", np.uint64, 2), ("hash", np.uint64)],
    align=True,
)
"""What is known of one image: whether it can be used, digests of its source and of its row, and
its perceptual hash."""


@dataclass
class Decoded:
    """The result of a job of n pictures."""

    first: int
    findings: np.ndarray
    """`FINDINGS` (n,)."""

    faults: list[tuple[int, str, str]] = field(default_factory=list)
    """Position in the job, kind and reason, for each picture that cannot be used."""

    content: int = 0
    """Sum of SHA-256 over names and contents."""

    evidence: Evidence = field(default_factory=Evidence)


def work(job: Job) -> Decoded:
    """Decode one job and write its rows."""
    done = Decoded(job.first, np.zeros(len(job), FINDINGS))
    if job.block is not None and job.block.shape[1:] == job.form.shape:
        images = np.ascontiguousarray(job.block)
        done.findings["usable"] = True
        done.findings["source"] = done.findings["pixels"] = digests(images)
        done.evidence.pictures = len(images)
    else:
        images = _decode_all(job, done)
        done.findings["pixels"] = digests(images)
    if job.block is None and not done.evidence.deep:
        done.evidence.shallow.add(images[done.findings["usable"]])
    if job.form.mode == "RGB":
        done.evidence.coloured = _coloured(images)
    done.findings["hash"] = near_duplicates.perceptual_hashes(images)
    with job.rows.open("r+b") as rows:
        rows.seek(job.first * images[0].nbytes)
        rows.write(images.data)
    return done


def _decode_all(job: Job, done: Decoded) -> np.ndarray:
    images = np.zeros((len(job), *job.form.shape), np.uint8)
    read_ahead([f"{job.root}/{entry.name}" for entry in job.entries if entry.method == WHOLE])
    opened = _opened(job.root, job.entries[0]) if job.entries else nullcontext()
    with opened as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged metadata, page after page
        for place in range(len(job)):
            try:
                with _time_limit():
                    images[place] = _one(job, place, archive, done)
                done.findings["usable"][place] = True
            except UnusableError as fault:
                done.faults.append((place, fault.kind, fault.reason))
    return images


def digests(images: np.ndarray) -> np.ndarray:
    """The first 128 bits of each image's SHA-256: uint64 (n, 2)."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    raw = b"".join(hashlib.sha256(row.data).digest()[:16] for row in flat)
    return np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)


def _coloured(images: np.ndarray) -> int:
    """How many images, uint8 (n, h, w, 3), have a pixel whose channels differ visibly."""
    pixels = images.reshape(len(images), -1, 3)

    def some(chosen: np.ndarray) -> np.ndarray:
        red, *others = np.moveaxis(chosen.astype(np.int16), -1, 0)
        apart: np.ndarray = np.any([np.abs(red - other) > GREY_NOISE for other in others], (0, 2))
        return apart

    found = some(pixels[:, :: max(1, pixels.shape[1] // 64)])  # enough of nearly every picture
    found[~found] = some(pixels[~found])
    return int(found.sum())


def read_entry(root: Path, entry: Entry) -> bytes:
    """The encoded bytes of one picture below the folder, or in the archive, `root`.

    Raises:
        UnusableError: when they cannot be read, or not in the announced size.
    """
    with _opened(root, entry) as archive:
        return _content(root, entry, archive)


def run(
    jobs: Iterable[Job], workers: int, task: Callable[[Job], Decoded] = work
) -> Iterator[Decoded]:
    """Do the jobs on `workers` processes (0: in this one), and yield the results in order.

    At most four jobs for each worker are in progress at a time. After a crash, each of them is
    done again in a process of its own.
    """
    if not workers:
        yield from map(task, jobs)
        return
    pool = _pool(workers)

    def submit(job: Job) -> Future[Decoded]:
        nonlocal pool
        try:
            return pool.submit(task, job)
        except BrokenProcessPool:
            pool = _pool(workers)
            return pool.submit(task, job)

    try:
        for job, future in in_order(submit, jobs, 4 * workers):
            try:
                yield future.result()
            except BrokenProcessPool:
                _check_that_workers_start()
                yield from _isolated(job, task)
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(
    submit: Callable[[T], Future[R]], inputs: Iterable[T], most: int
) -> Iterator[tuple[T, Future[R]]]:
    """Inputs with their futures, in order, while at most `most` are in progress."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    for given in inputs:
        waiting.append((given, submit(given)))
        if len(waiting) >= most:
            yield waiting.popleft()
    yield from waiting


def start_forkserver() -> None:
    """Start the server that workers are forked from, in the background."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
    forkserver.ensure_running()


def _one(job: Job, place: int, archive: BinaryIO | None, done: Decoded) -> np.ndarray:
    if job.block is not None:
        image = job.block[place]
        done.findings["source"][place] = digests(image[None])[0]
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        done.evidence.coloured += job.form.mode == "L" and image.shape[2] > 1
        return to_form(picture, job.form, done.evidence)
    entry = job.entries[place]
    content = _content(job.root, entry, archive)
    raw = hashlib.sha256(content).digest()
    done.findings["source"][place] = np.frombuffer(raw[:16], ">u8")
    named = entry.name.encode("utf-8", "surrogateescape") + b"\0" + raw
    done.content += int.from_bytes(hashlib.sha256(named).digest(), "big")
    try:
        return decode(content, job.form, done.evidence)
    except MemoryError:
        raise UnusableError("too_large", "decoding it takes too much memory") from None


def _content(root: Path, entry: Entry, archive: BinaryIO | None) -> bytes:
    try:
        if archive is None:
            return read_file(f"{root}/{entry.name}")
        if entry.method != RAW:
            return read_member(archive, entry)
        content = os.pread(archive.fileno(), entry.size, entry.offset)
        if len(content) != entry.size:
            raise FileChangedError
        return content
    except FileChangedError:
        raise UnusableError("changed", "it was written to while it was read") from None
    except FileNotFoundError:
        raise UnusableError("changed", "it was removed before it could be read") from None
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else reason(error)
        raise UnusableError("unreadable", text) from None


def _opened(root: Path, entry: Entry) -> AbstractContextManager[BinaryIO | None]:
    """The archive that holds `entry`, if it is not a file of its own."""
    return nullcontext() if entry.method == WHOLE else root.open("rb")


@contextmanager
def _time_limit() -> Iterator[None]:
    """Stop one picture after `MAX_SECONDS` of processor time; in worker processes only."""
    if multiprocessing.parent_process() is None:
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise UnusableError("too_large", f"decoding it takes more than {MAX_SECONDS} seconds")


def _set_limits() -> None:
    """In a new worker: leave Ctrl-C to the parent, and limit time and memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _too_slow)
    used = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc").exists() else 0
    if used:
        limit = used * resource.getpagesize() + WORKER_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _pool(workers: int) -> ProcessPoolExecutor:
    start_forkserver()
    return ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver"), _set_limits)


def _check_that_workers_start() -> None:
    """Distinguish workers that cannot start from a picture that crashes its worker."""
    try:
        with _pool(1) as pool:
            pool.submit(int).result()
    except BrokenProcessPool:
        raise GanflowError(
            "the processes that decode pictures end as soon as they start",
            where=str(getattr(sys.modules["__main__"], "__file__", "this session")),
            expected='a script whose work stands below `if __name__ == "__main__":`, since each '
            "process imports it again; and memory for more processes",
        ) from None


def _isolated(job: Job, task: Callable[[Job], Decoded]) -> Iterator[Decoded]:
    """Do a job that may crash in a process of its own, halving it until the picture is found."""
    try:
        with _pool(1) as pool:
            yield pool.submit(task, job).result()
    except BrokenProcessPool:
        if half := len(job) // 2:
            yield from _isolated(job.part(0, half), task)
            yield from _isolated(job.part(half, len(job)), task)
            return
        fault = (0, "unreadable", "it crashes the decoder")
        yield Decoded(job.first, np.zeros(1, FINDINGS), [fault])
