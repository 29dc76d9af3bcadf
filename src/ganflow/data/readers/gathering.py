"""Read a whole source once: every image becomes a row of a scratch file.

What is kept in memory is about 60 bytes for each image.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
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
    infer_background,
    infer_colour,
    infer_range,
)
from ganflow.data.readers import array_set, decoding, picture_set
from ganflow.data.readers.array_set import Part
from ganflow.data.readers.decoding import BATCH, FEW, FINDINGS, Decoded, Job
from ganflow.data.readers.folder import fingerprint
from ganflow.data.readers.formats import Source
from ganflow.data.readers.labels import NO_LABEL, read_labelling
from ganflow.data.readers.listing import Listing
from ganflow.data.readers.pictures import Form
from ganflow.data.rejects import Reject, Rejects
from ganflow.data.selection import select_classes

ROWS = 4096
"""Images of an array that are copied at once."""


@dataclass
class Gathered:
    """N images in the requested form, some of them unusable, and what is known of each."""

    rows: Path
    """The file of N images, raw uint8, one after the other."""

    form: Form
    classes: list[str]
    labels: np.ndarray
    """int32 (N,), indices into `classes`, or -1 without labels."""

    official: np.ndarray
    """int8 (N,), the split that the source names, or `UNDECIDED`."""

    unselected: int
    """Images of classes that `data.classes` leaves out."""

    name: Callable[[int], str]
    """Gives the name, in the source, of the image in a row."""

    inferred: list[Inference] = field(default_factory=list)

    sha256: str = ""
    """Of the source, in whatever order its files were read."""

    findings: np.ndarray = field(init=False)
    """`FINDINGS` (N,)."""

    def __post_init__(self) -> None:
        self.findings = np.zeros(len(self.labels), FINDINGS)
        self.rows.touch()

    def decode(self, jobs: Iterable[Job], workers: int | None) -> Iterator[Decoded]:
        """Do `jobs`, and keep the findings of each before yielding it."""
        count = len(self.labels)
        if workers is None:
            workers = 0 if count <= FEW else threads(RuntimeParams())
        with progress("prepare", count) as shown:
            for done in decoding.run(jobs, workers):
                self.findings[done.first : done.first + len(done.findings)] = done.findings
                shown.advance(len(done.findings))
                yield done


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
    if source.kind in ("idx", "npy", "npz"):
        gathered = _gather_arrays(source, data, scratch, workers)
        gathered.sha256 = _hash_of(source.files)
        _unchanged(source, before)
        yield gathered
        return
    if workers != 0:
        decoding.start_forkserver()
    with closing(picture_set.list_pictures(source, scratch, rejects.add)) as listing:
        gathered = _gather_pictures(source, listing, data, scratch, rejects, workers)
        if source.files:
            gathered.sha256 = _hash_of(source.files)
        _unchanged(source, before)
        yield gathered


def _gather_arrays(
    source: Source, data: DataParams, scratch: Path, workers: int | None
) -> Gathered:
    found = array_set.open_set(source, data)
    parts = found.parts
    height, width, channels = parts[0].shape
    suitable = picture_set.suitable_size([(height, width)])
    form = _form(data, suitable, grey=channels == 1)
    labels = np.concatenate(
        [np.full(p.count, NO_LABEL, np.int32) if p.labels is None else p.labels for p in parts]
    )
    official = np.concatenate([np.full(part.count, part.split, np.int8) for part in parts])
    starts = np.cumsum([0, *(part.count for part in parts)])

    def name(row: int) -> str:
        place = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{parts[place].name}[{row - starts[place]}]"

    selected = select_classes(found.classes, data, source.path)
    wanted = selected[labels] if found.classes else np.ones(len(labels), bool)
    ranges = {part.source.dtype: array_set.first_range(part.source.dtype, data) for part in parts}

    def once(form: Form) -> tuple[Gathered, Evidence, dict[np.dtype, Values]]:
        values: dict[np.dtype, Values] = {dtype: Values() for dtype in ranges}
        unselected = int((~wanted).sum())
        gathered = Gathered(
            _empty(scratch), form, found.classes, labels, official, unselected, name
        )
        as_they_are = (height, width, channels) == form.shape  # there is nothing to decode
        jobs = _array_jobs(
            gathered, parts, source.path, ROWS if as_they_are else BATCH, ranges, values
        )
        evidence = Evidence()
        for done in gathered.decode(jobs, 0 if as_they_are else workers):
            evidence.merge(done.evidence)
        return gathered, evidence, values

    gathered, evidence, values = once(form)
    decided = {d: infer_range(values[d], d, data, str(source.path)) for d in ranges}
    settled = _settled(form, data, evidence)
    if settled != form or any(ranges[dtype] != decided[dtype][0] for dtype in ranges):
        ranges = {dtype: chosen for dtype, (chosen, _) in decided.items()}
        before = form, evidence
        gathered, evidence, _ = once(settled)
        _keep_colours(evidence, *before)
    gathered.inferred = [*found.inferred, *(line for _, line in decided.values())]
    gathered.inferred += _said(gathered.form, data, evidence, channels == 1)
    gathered.findings["usable"] &= wanted
    return gathered


def _array_jobs(
    gathered: Gathered,
    parts: list[Part],
    root: Path,
    rows: int,
    ranges: dict[np.dtype, Range],
    values: dict[np.dtype, Values],
) -> Iterator[Job]:
    first = 0
    for part in parts:
        dtype = part.source.dtype
        for images in part.blocks(rows, ranges[dtype], values[dtype]):
            yield Job(first, root, gathered.rows, gathered.form, block=images)
            first += len(images)


def _gather_pictures(
    source: Source,
    listing: Listing,
    data: DataParams,
    scratch: Path,
    rejects: Rejects,
    workers: int | None,
) -> Gathered:
    labelling = read_labelling(listing, data.splits, rejects.add)
    offered = labelling.labels >= NO_LABEL
    total = int(offered.sum()) + rejects.faults
    rejects.check(total)
    selected = select_classes(labelling.classes, data, source.path)
    wanted = offered.copy()
    if labelling.classes:
        wanted[offered] = selected[labelling.labels[offered]]
    places = np.flatnonzero(wanted)
    size, grey = (0, 0), False
    if data.resolution == "auto" or data.mode == "auto":
        size, grey = picture_set.suitable_form(listing, wanted)

    def once(form: Form, report: Callable[[Reject], None]) -> tuple[Gathered, Evidence]:
        gathered = Gathered(
            _empty(scratch),
            form,
            labelling.classes,
            labelling.labels[places],
            labelling.official[places],
            int(offered.sum() - wanted.sum()),
            lambda row: listing[int(places[row])].name,
        )
        content, evidence = 0, Evidence()
        for done in gathered.decode(_picture_jobs(gathered, listing, places), workers):
            content += done.content
            evidence.merge(done.evidence)
            for place, kind, reason in done.faults:
                report(Reject(gathered.name(done.first + place), kind, reason))
            rejects.check(total)
        gathered.sha256 = f"{content % 2**256:064x}"
        return gathered, evidence

    def forget(reject: Reject) -> None:
        """The same faults were found the first time."""

    form = _form(data, size, grey)
    gathered, evidence = once(form, rejects.add)
    form, ranges = _ranged(form, data, evidence, str(source.path))
    for _ in range(2):  # what looked coloured by its mode may be grey by its content
        form = _settled(form, data, evidence)
        if form == gathered.form:
            break
        before = gathered.form, evidence
        gathered, evidence = once(form, forget)
        _keep_colours(evidence, *before)
    gathered.inferred = [*labelling.inferred, *ranges, *_said(form, data, evidence, grey)]
    return gathered


def _picture_jobs(gathered: Gathered, listing: Listing, places: np.ndarray) -> Iterator[Job]:
    for first in range(0, len(places), BATCH):
        entries = [listing[place] for place in places[first : first + BATCH].tolist()]
        yield Job(first, listing.root, gathered.rows, gathered.form, entries)


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
    form: Form, data: DataParams, evidence: Evidence, where: str
) -> tuple[Form, list[Inference]]:
    """The form with the ranges that the pictures' values show, and what to say of them."""
    if evidence.deep:
        found = [
            infer_range(values, np.dtype(kind), data, where)
            for kind, values in sorted(evidence.deep.items())
        ]
        if len({chosen for chosen, _ in found}) > 1:
            raise DataError(
                "pictures of several ranges: " + "; ".join(line.evidence for _, line in found),
                where=where,
                expected="one range for all grey pictures with more than 8 bits",
                run="set data.range in params.yaml, or convert them to 8 bits",
            )
        return replace(form, deep_range=found[0][0]), [found[0][1]]
    values = evidence.shallow
    is_clear = values.high > FEW_LEVELS or 2 * evidence.transparent > evidence.pictures
    if data.range == "auto" and (is_clear or not evidence.pictures):
        return form, []
    chosen, line = infer_range(values, np.dtype(np.uint8), data, where)
    return replace(form, range=chosen), [line]


def _settled(form: Form, data: DataParams, evidence: Evidence) -> Form:
    """The form with the colour mode and the background that the images speak for."""
    background, _ = infer_background(data, evidence)
    mode, _ = infer_colour(data, evidence, form.mode == "L")
    return replace(form, background=background, mode=mode)


def _keep_colours(evidence: Evidence, form: Form, before: Evidence) -> None:
    """Keep what images in `form` showed of their colours, where it was more than their modes."""
    if form.mode == "RGB":
        evidence.coloured = before.coloured


def _said(form: Form, data: DataParams, evidence: Evidence, grey: bool) -> Iterator[Inference]:
    """What to say of the images' colour, background and animation."""
    _, background = infer_background(data, evidence)
    yield infer_colour(data, evidence, form.mode == "L")[1]
    if background:
        yield background
    if evidence.animated:
        yield Inference("animation", "the first frame", f"{evidence.animated:,} files have several")


def _empty(scratch: Path) -> Path:
    """The file of rows, empty."""
    (scratch / "rows").unlink(missing_ok=True)
    return scratch / "rows"


def _hash_of(files: list[Path]) -> str:
    """A SHA-256 over names and contents that does not depend on the files' order."""
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
            expected="a source that does not change",
            run="wait until its copy is complete, then try again",
        )
