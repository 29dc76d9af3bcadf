"""Which class and split each picture of a source belongs to.

Folder names decide. Below the folder that all pictures share there may be folders `train`, `test`
and `validation`, the source's own splits; the next folder names the class.

A `labels.csv` at the top overrides both, with a label and, if wanted, a split for each file:

    file,label,split
    0001.png,cat,train

What stays in memory is a few numbers for each file.
"""

import csv
import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Literal

import numpy as np

from ganflow.base.errors import DataError
from ganflow.config.data import SplitFolders
from ganflow.data import inference
from ganflow.data.inference import Inference, infer_splits, words
from ganflow.data.readers.decoding import read_entry
from ganflow.data.readers.limits import MAX_CLASSES, MAX_FILES
from ganflow.data.readers.listing import LABELS, Listing, class_fault, name_digest
from ganflow.data.readers.pictures import UnusableError
from ganflow.data.rejects import Reject
from ganflow.data.splits import SPLIT_NAMES, UNDECIDED

NO_LABEL = -1
LEFT_OUT = -2
"""In place of a class, for a file that is not to be read."""

Place = tuple[str | None, int, tuple[str, str] | None]
"""The class of a picture or None, its split, and the kind and reason of a fault."""


@dataclass(frozen=True)
class Labelling:
    """The class and split of every entry of a listing."""

    classes: list[str]
    """Empty without labels."""

    labels: np.ndarray
    """int32 (N,), the class of every entry of the listing, `NO_LABEL` or `LEFT_OUT`."""

    official: np.ndarray
    """int8 (N,), the split that the source itself names, or `UNDECIDED`."""

    inferred: list[Inference]


def read_labelling(
    listing: Listing,
    splits: SplitFolders | Literal["auto", "none"],
    reject: Callable[[Reject], None],
) -> Labelling:
    """Read classes and splits from the names in `listing`, or from its labels.csv."""
    top = _shared_folder(listing)
    tables = [place for place, name in enumerate(listing.names()) if name == top + LABELS]
    if tables:
        find, said = _by_table(listing, tables[0]), None
    else:
        find, said = _by_folders(listing, top, splits)
    labels = np.full(len(listing), LEFT_OUT, np.int32)
    official = np.full(len(listing), UNDECIDED, np.int8)
    classes: dict[str, int] = {}
    for place, name in enumerate(listing.names()):
        if name.split("/")[-1] == LABELS:
            continue
        label, official[place], fault = find(name.removeprefix(top))
        if fault:
            reject(Reject(name, *fault))
        elif label is None:
            labels[place] = NO_LABEL
        else:
            labels[place] = classes.setdefault(label, len(classes))
    if classes:
        for lost in np.flatnonzero(labels == NO_LABEL).tolist():
            reject(Reject(listing[lost].name, "unlabelled", "it is not in the folder of a class"))
            labels[lost] = LEFT_OUT
    return Labelling(list(classes), labels, official, [said] if said else [])


def _by_table(listing: Listing, place: int) -> Callable[[str], Place]:
    path = listing.root / LABELS
    try:
        content = read_entry(listing.root, listing[place])
    except UnusableError as error:
        raise DataError(error.reason, where=str(path), expected="a readable table") from None
    table = read_labels(content, path)

    def find(name: str) -> Place:
        label, split = table.get(name_digest(name), (None, UNDECIDED))
        fault = ("unlabelled", f"it has no line in {LABELS}") if label is None else None
        return label, split, fault

    return find


def _by_folders(
    listing: Listing, top: str, splits: SplitFolders | Literal["auto", "none"]
) -> tuple[Callable[[str], Place], Inference | None]:
    tops = _top_folders(listing, top)
    has_folders = {name: inner != {""} for name, inner in tops.items()}
    roles, said = infer_splits(has_folders, splits, str(listing.root))
    # One folder that holds everything, with a name as in `seg_train/seg_train`, is no class.
    doubled = {
        name
        for name, inner in tops.items()
        if len(inner) == 1 and set(words(*inner)) & set(words(name))
    }

    def find(name: str) -> Place:
        (first, *rest), split = name.split("/"), UNDECIDED
        if rest and roles:
            split, is_doubled = roles[first], first in doubled
            if split == inference.LEFT_OUT:
                return None, UNDECIDED, ("aside", "its folder is of no split")
            first, *rest = rest[1:] if is_doubled and len(rest) > 2 else rest
        if not rest:
            return None, split, None
        fault = class_fault(first)
        wrong = ("name", f"its folder would be {fault}") if fault else None
        return unicodedata.normalize("NFC", first), split, wrong

    return find, said


def _top_folders(listing: Listing, top: str) -> dict[str, set[str]]:
    """The folders below `top`, each with the folders in it, and "" for pictures right in it."""
    tops: dict[str, set[str]] = {}
    for name in listing.names():
        first, *rest = name.removeprefix(top).split("/")
        if rest:
            tops.setdefault(first, set()).add(rest[0] if len(rest) > 1 else "")
        if len(tops) > MAX_CLASSES:
            raise DataError(
                f"more than {MAX_CLASSES} sub-folders",
                where=str(listing.root),
                expected="one sub-folder for each class",
                run="put all pictures into one folder, if the folders are no classes",
            )
    return tops


def _shared_folder(listing: Listing) -> str:
    """The folder that all entries are in, with its final slash; empty if there is none."""
    shared: list[str] | None = None
    for name in listing.names():
        folders = name.split("/")[:-1]
        pairs = zip(folders if shared is None else shared, folders, strict=False)
        shared = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return "".join(f"{folder}/" for folder in shared or ())


def read_labels(content: bytes, path: Path) -> dict[int, tuple[str, int]]:
    """The class and split of each file in a labels.csv, by the digest of its name.

    Raises:
        DataError: with the line, when it is not such a table, or names a file twice.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, "it is not UTF-8 text") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    table: dict[int, tuple[str, int]] = {}
    classes: dict[str, str] = {}
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if header not in (["file", "label"], ["file", "label", "split"]):
            raise _wrong(path, 1, "its first line is not `file,label` or `file,label,split`")
        for row in filter(None, reader):
            if len(row) != len(header):
                raise _wrong(path, reader.line_num, f"{len(row)} cells instead of {len(header)}")
            name, label, split = [cell.strip() for cell in (*row, "")[:3]]
            if fault := class_fault(label):
                raise _wrong(path, reader.line_num, fault)
            if split and split.lower() not in SPLIT_NAMES:
                raise _wrong(path, reader.line_num, f"the split {split[:50]!a} is unknown")
            digest = name_digest(name.replace("\\", "/").removeprefix("./"))
            if digest in table:
                raise _wrong(path, reader.line_num, "it names a file a second time")
            shared = classes.setdefault(label, label)  # one text for all files of a class
            table[digest] = shared, SPLIT_NAMES.get(split.lower(), UNDECIDED)
            if len(classes) > MAX_CLASSES or len(table) > MAX_FILES:
                raise _wrong(path, reader.line_num, f"more than {MAX_CLASSES} labels")
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error)) from None
    return table


def _wrong(path: Path, line: int, what: str) -> DataError:
    return DataError(
        what,
        where=f"{path}, line {line}",
        expected="lines of `file,label` or `file,label,split` (train, validation, test)",
    )
