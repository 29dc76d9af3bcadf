"""Reading a whole source once: every image to a row of a scratch file, and a few numbers on it.

The numbers are about 60 bytes for each image; everything else stays on disk.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import sha256_of
from ganflow.base.progress import progress
from ganflow.config.data import Data
from ganflow.data.near_duplicates import perceptual_hashes
from ganflow.data.readers import array_set, decoding, picture_set
from ganflow.data.readers.array_set import Part
from ganflow.data.readers.decoding import BATCH, FEW, FINDINGS, Decoded, Job, digests
from ganflow.data.readers.folder import fingerprint
from ganflow.data.readers.formats import Source
from ganflow.data.readers.labels import NO_LABEL, arrange
from ganflow.data.readers.listing import Listing
from ganflow.data.readers.pictures import Form
from ganflow.data.rejects import Reject, Rejects
from ganflow.data.selection import select_classes

ROWS = 4096


class Gathered:
    """N images in the form that was asked for, some of them unusable, and what is known of each.

    Attributes:
        rows: the file of N images, raw uint8, one after the other.
        findings: `FINDINGS` (N,).
        labels: int32 (N,), indices into `classes`, or -1 without labels.
        official: int8 (N,), the split that the source names, or `UNDECIDED`.
        name: what the image of a row is called in its source.
        sha256: of the source, in whatever order its files were read.
        unselected: images of classes that `data.classes` leaves out.
    """

    def __init__(
        self,
        rows: Path,
        form: Form,
        classes: list[str],
        labels: np.ndarray,
        official: np.ndarray,
        name: Callable[[int], str],
    ) -> None:
        self.rows, self.form, self.classes, self.name = rows, form, classes, name
        self.labels, self.official = labels, official
        self.findings = np.zeros(len(labels), FINDINGS)
        self.sha256 = ""
        self.unselected = 0
        rows.touch()

    def take(self, done: Decoded) -> None:
        self.findings[done.first : done.first + len(done.findings)] = done.findings


@contextmanager
def gather(
    source: Source, data: Data, scratch: Path, rejects: Rejects, workers: int | None = None
) -> Iterator[Gathered]:
    """Read all of `source` that `data` selects, in the form that `data` asks for.

    Args:
        scratch: an empty folder for what is too large for memory.
        rejects: collects what cannot be used.
        workers: processes that decode pictures; None: one for each processor, or none at all
            for a few pictures.

    Raises:
        DataError: when the source is damaged, too much of it is unusable, or it changes while
            it is read.
    """
    before = [fingerprint(path.stat()) for path in source.files]
    if source.kind in ("idx", "npy", "npz"):
        gathered = _gather_arrays(source, data, scratch, workers)
        gathered.sha256 = _hash_of(source.files)
        _unchanged(source, before)
        yield gathered
        return
    if workers != 0:
        decoding.get_ready()
    with closing(picture_set.list_pictures(source, scratch, rejects.add)) as listing:
        gathered = _gather_pictures(source, listing, data, scratch, rejects, workers)
        if source.files:
            gathered.sha256 = _hash_of(source.files)
        _unchanged(source, before)
        yield gathered


def _gather_arrays(source: Source, data: Data, scratch: Path, workers: int | None) -> Gathered:
    found = array_set.open_set(source)
    parts = found.parts
    height, width, channels = parts[0].shape
    form = _form(data, picture_set.suitable_size([(height, width)]), channels == 1)
    labels = np.concatenate(
        [np.full(p.count, NO_LABEL, np.int32) if p.labels is None else p.labels for p in parts]
    )
    official = np.concatenate([np.full(part.count, part.split, np.int8) for part in parts])
    ends = np.cumsum([part.count for part in parts])

    def name(row: int) -> str:
        part = parts[int(np.searchsorted(ends, row, side="right"))]
        start = int(ends[parts.index(part)]) - part.count
        return f"{part.name}[{row - start}]"

    gathered = Gathered(scratch / "rows", form, found.classes, labels, official, name)
    selected = select_classes(found.classes, data, source.path)
    wanted = selected[labels] if found.classes else np.ones(len(labels), bool)
    gathered.unselected = int((~wanted).sum())
    with progress("prepare", len(labels)) as shown:
        if (height, width, min(channels, 3)) == form.shape:
            finished = _as_they_are(gathered, parts)
        else:
            jobs = _array_jobs(gathered, parts, source.path)
            finished = decoding.run(jobs, _workers(workers, len(labels)))
        for done in finished:
            gathered.take(done)
            shown.advance(len(done.findings))
    gathered.findings["usable"] &= wanted
    return gathered


def _as_they_are(gathered: Gathered, parts: list[Part]) -> Iterator[Decoded]:
    """Images that have the right form already are copied."""
    first = 0
    with gathered.rows.open("r+b") as rows:
        for part in parts:
            for images in part.blocks(ROWS):
                rows.write(np.ascontiguousarray(images).data)
                findings = np.zeros(len(images), FINDINGS)
                findings["usable"] = True
                findings["source"] = findings["pixels"] = digests(images)
                findings["hash"] = perceptual_hashes(images)
                yield Decoded(first, findings)
                first += len(images)


def _array_jobs(gathered: Gathered, parts: list[Part], root: Path) -> Iterator[Job]:
    first = 0
    for part in parts:
        for images in part.blocks(BATCH):
            yield Job(first, root, gathered.rows, gathered.form, block=images)
            first += len(images)


def _gather_pictures(
    source: Source,
    listing: Listing,
    data: Data,
    scratch: Path,
    rejects: Rejects,
    workers: int | None,
) -> Gathered:
    arrangement = arrange(listing, rejects.add)
    offered = arrangement.labels >= NO_LABEL
    total = int(offered.sum()) + rejects.faults
    rejects.check(total)
    selected = select_classes(arrangement.classes, data, source.path)
    wanted = offered.copy()
    if arrangement.classes:
        wanted &= selected[arrangement.labels]
    places = np.flatnonzero(wanted)
    size, grey = (0, 0), False
    if data.resolution == "auto" or data.mode == "auto":
        size, grey = picture_set.look_around(listing, wanted)
    gathered = Gathered(
        scratch / "rows",
        _form(data, size, grey),
        arrangement.classes,
        arrangement.labels[places],
        arrangement.official[places],
        lambda row: listing[int(places[row])].name,
    )
    gathered.unselected = int(offered.sum() - wanted.sum())
    content = 0
    with progress("prepare", len(places)) as shown:
        jobs = _picture_jobs(gathered, listing, places)
        for done in decoding.run(jobs, _workers(workers, len(places))):
            gathered.take(done)
            content += done.content
            for place, kind, reason in done.faults:
                rejects.add(Reject(gathered.name(done.first + place), kind, reason))
            rejects.check(total)
            shown.advance(len(done.findings))
    gathered.sha256 = f"{content % 2**256:064x}"
    return gathered


def _picture_jobs(gathered: Gathered, listing: Listing, places: np.ndarray) -> Iterator[Job]:
    for first in range(0, len(places), BATCH):
        entries = listing.at(places[first : first + BATCH])
        yield Job(first, listing.root, gathered.rows, gathered.form, entries)


def _form(data: Data, size: tuple[int, int], grey: bool) -> Form:
    """The form with every `auto` replaced; stacked images are made of grey ones.

    Args:
        size: height and width that suit the images.
        grey: whether all of them are.
    """
    mode = data.mode
    if mode == "auto":
        mode = "L" if grey or data.stacked else "RGB"
    height, width = size if data.resolution == "auto" else data.height_and_width
    return Form(height, width, mode, data.fit, data.resample, data.background)


def _workers(asked: int | None, images: int) -> int:
    if asked is not None:
        return asked
    return 0 if images <= FEW else decoding.processors()


def _hash_of(files: list[Path]) -> str:
    """Of names and contents, in whatever order the files are listed."""
    total = 0
    for path in files:
        named = path.name.encode("utf-8", "surrogateescape") + b"\0"
        total += int.from_bytes(
            hashlib.sha256(named + bytes.fromhex(sha256_of(path))).digest(), "big"
        )
    return f"{total % 2**256:064x}"


def _unchanged(source: Source, before: list[tuple[int, int, int]]) -> None:
    if before != [fingerprint(path.stat()) for path in source.files]:
        raise DataError(
            "it was written to while it was read",
            where=str(source.path),
            expected="a source that stays as it is",
            run="wait until its copy is complete, then try again",
        )
