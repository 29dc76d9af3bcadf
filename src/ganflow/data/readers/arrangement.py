"""What the folders' names say: which class a picture is of, and which split it is in.

A folder that all pictures share says nothing. Below it may come `train`, `test` and
`validation`, the source's own splits; the next folder is the class. A `labels.csv` at the top
overrules both.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers.labels import NO_LABEL, SPLIT_NAMES, Labels, read_labels
from ganflow.data.readers.limits import MAX_CLASSES
from ganflow.data.readers.listing import LABELS, Entry, Listing, class_fault, name_digest
from ganflow.data.readers.pictures import UnusableError
from ganflow.data.rejects import Reject
from ganflow.data.splits import TRAIN, UNDECIDED

LEFT_OUT = -2
"""Instead of a class: not to be read."""


@dataclass(frozen=True)
class Arrangement:
    classes: list[str]
    """Empty without labels."""

    labels: np.ndarray
    """int32 (N,), for every entry of the listing: its class, `NO_LABEL` or `LEFT_OUT`."""

    official: np.ndarray
    """int8 (N,), the split that the source itself names, or `UNDECIDED`."""


def arrange(
    listing: Listing, read: Callable[[Entry], bytes], reject: Callable[[Reject], None]
) -> Arrangement:
    """Read classes and splits from the names in `listing`, or from its labels.csv."""
    top = _shared_folder(listing)
    table = next((place for place, name in enumerate(listing.names()) if name == top + LABELS), -1)
    if table < 0:
        return _by_folders(listing, top, reject)
    path = listing.root / LABELS
    try:
        content = read(listing[table])
    except UnusableError as error:
        raise DataError(error.reason, where=str(path), expected="a readable table") from None
    return _by_table(listing, top, read_labels(io.BytesIO(content), path), reject)


def _by_table(
    listing: Listing, top: str, given: Labels, reject: Callable[[Reject], None]
) -> Arrangement:
    labels = np.full(len(listing), LEFT_OUT, np.int32)
    official = np.full(len(listing), UNDECIDED, np.int8)
    for place, whole in enumerate(listing.names()):
        name = whole.removeprefix(top)
        if name.split("/")[-1] == LABELS:
            continue
        label, split = given.of(name_digest(name))
        official[place] = split
        if label == NO_LABEL:
            reject(Reject(whole, "unlabelled", f"it has no line in {LABELS}"))
        else:
            labels[place] = label
    return Arrangement(given.classes, labels, official)


def _by_folders(listing: Listing, top: str, reject: Callable[[Reject], None]) -> Arrangement:
    firsts = _first_folders(listing, top)
    has_splits = bool(firsts) and all(name.lower() in SPLIT_NAMES for name in firsts)
    has_splits &= TRAIN in {SPLIT_NAMES.get(name.lower()) for name in firsts}
    labels = np.full(len(listing), NO_LABEL, np.int32)
    official = np.full(len(listing), UNDECIDED, np.int8)
    classes: dict[str, int] = {}
    for place, name in enumerate(listing.names()):
        first, *rest = name.removeprefix(top).split("/")
        if name.split("/")[-1] == LABELS:
            labels[place] = LEFT_OUT
            continue
        if rest and has_splits:
            official[place] = SPLIT_NAMES[first.lower()]
            first, *rest = rest
        if not rest:
            continue
        if class_fault(first):
            reject(Reject(name, "name", f"its folder would be {class_fault(first)}"))
            labels[place] = LEFT_OUT
        else:
            labels[place] = classes.setdefault(first, len(classes))
    if classes:
        for lost in np.flatnonzero(labels == NO_LABEL).tolist():
            reject(Reject(listing[lost].name, "unlabelled", "it lies in no class's folder"))
            labels[lost] = LEFT_OUT
    return Arrangement(list(classes), labels, official)


def _shared_folder(listing: Listing) -> str:
    """The folder that all entries are in, with its final slash; empty if there is none."""
    shared: list[str] | None = None
    for name in listing.names():
        folders = name.split("/")[:-1]
        if shared is None:
            shared = folders
        same = 0
        while same < min(len(shared), len(folders)) and shared[same] == folders[same]:
            same += 1
        shared = shared[:same]
    return "".join(f"{folder}/" for folder in shared or ())


def _first_folders(listing: Listing, top: str) -> set[str]:
    names: set[str] = set()
    for name in listing.names():
        first, slash, _ = name.removeprefix(top).partition("/")
        if slash:
            names.add(first)
        if len(names) > MAX_CLASSES:
            raise DataError(
                f"more than {MAX_CLASSES} sub-folders",
                where=str(listing.root),
                expected="one sub-folder for each class",
            )
    return names
