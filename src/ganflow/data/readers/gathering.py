"""Read a whole source once: every image becomes a row of a scratch file.

What is kept in memory is about 60 bytes for each image.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import sha256_of
from ganflow.base.progress import progress
from ganflow.base.runtime import RuntimeParams, threads
from ganflow.config.data import DataParams
from ganflow.data.inference import (
    FEW_LEVELS,
    Evidence,
    Inference,
    Range,
    Values,
    assumed_range,
    infer_background,
    infer_colour,
    infer_range,
)
from ganflow.data.readers import array_set, decoding, picture_set
from ganflow.data.readers.decoding import BATCH, FEW, FINDINGS, Job
from ganflow.data.readers.folder import fingerprint
from ganflow.data.readers.formats import Source
from ganflow.data.readers.labels import LEFT_OUT, read_labelling
from ganflow.data.readers.listing import Listing
from ganflow.data.readers.pictures import Form
from ganflow.data.rejects import Reject, Rejects
from ganflow.data.selection import select_classes

ARRAYS = ("idx", "npy", "npz")
AT_ONCE = 4096
"""Images of an array that are copied at once, where there is nothing to decode."""


@dataclass
class Gathered:
    """N images in the requested form, some of them unusable, and what is known of each.

    Attributes:
        where: the source, for messages.
        rows: the file of N images, raw uint8, one after the other.
        jobs: the work that fills it, and adds to the evidence what numbers the arrays hold.
        classes: the names of classes; empty without labels.
        labels: int32 (N,), indices into `classes`, or -1 without labels.
        official: int8 (N,), the split that the source names, or `UNDECIDED`.
        unselected: images of classes that `data.classes` leaves out.
        files: images in the source, with the faulty ones.
        name: gives the name, in the source, of the image in a row.
        ranges: what is black and white in arrays, by the type of their numbers.
        stored: the shape of the arrays' images; in this form there is nothing to decode.
        sha256: of the source, in whatever order its files were read.
        findings: `FINDINGS` (N,).
    """

    where: Path
    rows: Path
    jobs: Callable[["Gathered", Evidence], Iterator[Job]]
    classes: list[str]
    labels: np.ndarray
    official: np.ndarray
    unselected: int
    files: int
    name: Callable[[int], str]
    form: Form
    inferred: list[Inference]
    ranges: dict[str, Range] = field(default_factory=dict)
    stored: tuple[int, int, int] | None = None
    sha256: str = ""
    findings: np.ndarray = field(init=False)

    def read(self, form: Form, workers: int | None, rejects: Rejects | None = None) -> Evidence:
        """Read all images, in `form`.

        Args:
            rejects: collects those that cannot be used; None when that was done before.
        """
        count, content, evidence = len(self.labels), 0, Evidence()
        self.form, self.findings = form, np.zeros(count, FINDINGS)
        self.rows.write_bytes(b"")
        if workers is None:
            few = count <= FEW or form.shape == self.stored
            workers = 0 if few else threads(RuntimeParams())
        with progress("prepare", count) as shown:
            for done in decoding.run(self.jobs(self, evidence), workers):
                self.findings[done.first : done.first + len(done.findings)] = done.findings
                shown.advance(len(done.findings))
                content += done.content
                evidence.merge(done.evidence)
                if rejects:
                    for place, kind, reason in done.faults:
                        rejects.add(Reject(self.name(done.first + place), kind, reason))
                    rejects.check(self.files)
        self.sha256 = f"{content % 2**256:064x}"
        return evidence


@contextmanager
def gather(
    source: Source, data: DataParams, scratch: Path, rejects: Rejects, workers: int | None = None
) -> Iterator[Gathered]:
    """Read all of `source` that `data` selects, in the form that `data` asks for.

    Args:
        scratch: an empty folder for data too large for memory.
        rejects: collects the files that cannot be used.
        workers: processes that decode pictures; None: one for each processor, or none at all
            for a few pictures.

    Raises:
        DataError: when the source is damaged, too much of it is unusable, or it changes while
            it is read.
    """
    before = [fingerprint(path.stat()) for path in source.files]
    with ExitStack() as opened:
        if source.kind in ARRAYS:
            gathered = _open_arrays(source, data, scratch)
        else:
            if workers != 0:
                decoding.start_forkserver()
            listing = picture_set.list_pictures(source, scratch, rejects.add)
            opened.enter_context(closing(listing))
            gathered = _open_pictures(source, listing, data, scratch, rejects)
        _settle(gathered, data, rejects, workers)
        if source.files:
            gathered.sha256 = _hash_of(source.files)
        if before != [fingerprint(path.stat()) for path in source.files]:
            raise DataError(
                "it was written to while it was read",
                where=str(source.path),
                expected="a source that does not change",
                run="wait until its copy is complete, then try again",
            )
        yield gathered


def _open_arrays(source: Source, data: DataParams, scratch: Path) -> Gathered:
    found = array_set.open_set(source, data)
    parts, counts = found.parts, [part.count for part in found.parts]
    labels = np.concatenate([part.labels for part in parts])
    wanted = _wanted(found.classes, labels, data, source.path)
    places, starts = np.flatnonzero(wanted), np.cumsum([0, *counts])

    def name(row: int) -> str:
        part = int(np.searchsorted(starts, places[row], side="right")) - 1
        return f"{parts[part].name}[{places[row] - starts[part]}]"

    def jobs(into: Gathered, evidence: Evidence) -> Iterator[Job]:
        seen = first = 0
        rows = AT_ONCE if into.form.shape == into.stored else BATCH
        for part in parts:
            kind = str(part.source.dtype)
            values = evidence.deep.setdefault(kind, Values())
            for images in part.blocks(rows, into.ranges[kind], values):
                block = images[wanted[seen : seen + len(images)]]
                seen += len(images)
                if len(block):
                    yield Job(first, source.path, into.rows, into.form, block=block)
                    first += len(block)

    height, width, channels = parts[0].shape
    kinds = {part.source.dtype for part in parts}
    given = None if data.range == "auto" else (data.range[0], data.range[1])
    return Gathered(
        source.path,
        scratch / "rows",
        jobs,
        found.classes,
        labels[places],
        np.repeat(np.array([part.split for part in parts], np.int8), counts)[places],
        len(labels) - len(places),
        len(labels),
        name,
        _form(data, picture_set.suitable_size([(height, width)]), channels == 1),
        found.inferred,
        {str(dtype): given or assumed_range(dtype) for dtype in kinds},
        parts[0].shape,
    )


def _open_pictures(
    source: Source, listing: Listing, data: DataParams, scratch: Path, rejects: Rejects
) -> Gathered:
    labelling = read_labelling(listing, data.splits, rejects.add)
    offered = int((labelling.labels != LEFT_OUT).sum())
    rejects.check(offered + rejects.faults)
    wanted = _wanted(labelling.classes, labelling.labels, data, source.path)
    places = np.flatnonzero(wanted)

    def jobs(into: Gathered, evidence: Evidence) -> Iterator[Job]:
        for first in range(0, len(places), BATCH):
            entries = [listing[place] for place in places[first : first + BATCH].tolist()]
            yield Job(first, listing.root, into.rows, into.form, entries)

    size, grey = (0, 0), False
    if data.resolution == "auto" or data.mode == "auto":
        size, grey = picture_set.suitable_form(listing, wanted)
    return Gathered(
        source.path,
        scratch / "rows",
        jobs,
        labelling.classes,
        labelling.labels[places],
        labelling.official[places],
        offered - len(places),
        offered + rejects.faults,
        lambda row: listing[int(places[row])].name,
        _form(data, size, grey),
        labelling.inferred,
    )


def _wanted(classes: list[str], labels: np.ndarray, data: DataParams, where: Path) -> np.ndarray:
    """Which images are of a class to use; without classes, all of a listing: bool (N,)."""
    selected = select_classes(classes, data, where)
    # The last two are indexed by `LEFT_OUT` and `NO_LABEL`, which are −2 and −1.
    wanted: np.ndarray = np.append(selected, [False, not classes])[labels]
    return wanted


def _settle(gathered: Gathered, data: DataParams, rejects: Rejects, workers: int | None) -> None:
    """Read the images, again where what they hold speaks for another form."""
    used = gathered.form, gathered.ranges
    evidence = gathered.read(gathered.form, workers, rejects)
    form, said = _ranged(gathered, data, evidence)
    if (form, gathered.ranges) != used:
        evidence = gathered.read(form, workers)
    for again in (2, 1, 0):  # what looked coloured by its mode may be grey by its content
        background, behind = infer_background(data, evidence)
        mode, colour = infer_colour(data, evidence, gathered.form.mode == "L")
        form = replace(gathered.form, background=background, mode=mode)
        if form == gathered.form or not again:
            break
        before, mode_before = evidence, gathered.form.mode
        evidence = gathered.read(form, workers)
        if mode_before == "RGB":  # it showed more of the colours than their modes
            evidence.coloured = before.coloured
    gathered.inferred = [*gathered.inferred, *said, colour, *([behind] if behind else [])]
    if evidence.animated:
        seen = f"{evidence.animated:,} files have several"
        gathered.inferred.append(Inference("animation", "the first frame", seen))


def _form(data: DataParams, size: tuple[int, int], grey: bool) -> Form:
    """The form to read the images in first; what they hold may speak for another.

    Args:
        size: height and width that suit the images.
        grey: whether all of them seem to be.
    """
    mode = data.mode
    if mode == "auto":
        mode = "L" if grey or data.stacked else "RGB"
    height, width = size if data.resolution == "auto" else data.height_and_width
    background = 0 if data.background == "auto" else data.background
    return Form(height, width, mode, data.fit, data.resample, background)


def _ranged(
    gathered: Gathered, data: DataParams, evidence: Evidence
) -> tuple[Form, list[Inference]]:
    """The form with the ranges that the images' values show, and what to say of them."""
    where, form, values = str(gathered.where), gathered.form, evidence.shallow
    found = {
        kind: infer_range(seen, np.dtype(kind), data, where)
        for kind, seen in sorted(evidence.deep.items())
    }
    lines = [line for _, line in found.values()]
    if gathered.ranges:
        gathered.ranges = {kind: chosen for kind, (chosen, _) in found.items()}
        return form, lines
    if len({chosen for chosen, _ in found.values()}) > 1:
        raise DataError(
            "pictures of several ranges: " + "; ".join(line.evidence for line in lines),
            where=where,
            expected="one range for all grey pictures with more than 8 bits",
            run="set data.range in params.yaml, or convert them to 8 bits",
        )
    if found:
        chosen, line = next(iter(found.values()))
        return replace(form, deep_range=chosen), [line]
    is_clear = values.high > FEW_LEVELS or 2 * evidence.transparent > evidence.pictures
    if data.range == "auto" and (is_clear or not evidence.pictures):
        return form, []
    chosen, line = infer_range(values, np.dtype(np.uint8), data, where)
    return replace(form, range=chosen), [line]


def _hash_of(files: list[Path]) -> str:
    """A SHA-256 over names and contents that does not depend on the files' order."""
    total = 0
    for path in files:
        named = path.name.encode("utf-8", "surrogateescape") + b"\0"
        total += int.from_bytes(
            hashlib.sha256(named + bytes.fromhex(sha256_of(path))).digest(), "big"
        )
    return f"{total % 2**256:064x}"
