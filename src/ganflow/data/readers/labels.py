"""Which class and split each picture of a source belongs to.

Folder names decide. Below the folder that all pictures share there may be folders `train`, `test`
and `validation`, the source's own splits; the next folder names the class.

A `labels.csv` at the top overrides both, with a label and, if wanted, a split for each file:

    file,label,split
    0001.png,cat,train

What stays in memory is a few numbers for each file.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data import inference
from ganflow.data.inference import Inference, infer_splits, words
from ganflow.data.readers.decoding import read_entry
from ganflow.data.readers.limits import MAX_CLASSES, MAX_FILES
from ganflow.data.readers.listing import LABELS, Listing, class_fault, name_digest
from ganflow.data.readers.pictures import UnusableError
from ganflow.data.rejects import Reject
from ganflow.data.splits import SPLIT_NAMES, UNDECIDED

if TYPE_CHECKING:
    from ganflow.config.data import SplitFolders

NO_LABEL = -1
LEFT_OUT = -2
"""In place of a class, for a file that is not to be read."""


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


@dataclass(frozen=True)
class LabelTable:
    """The content of a labels.csv."""

    classes: list[str]
    digests: np.ndarray
    """uint64 (N,), of the files' names, ascending."""

    ids: np.ndarray
    """int32 (N,), indices into `classes`."""

    splits: np.ndarray
    """int8 (N,)."""

    def of(self, digest: int) -> tuple[int, int]:
        """The class and split of the file with this name; `NO_LABEL` where there is no line."""
        place = int(np.searchsorted(self.digests, np.uint64(digest)))
        if place == len(self.digests) or int(self.digests[place]) != digest:
            return NO_LABEL, UNDECIDED
        return int(self.ids[place]), int(self.splits[place])


def read_labelling(
    listing: Listing,
    splits: SplitFolders | Literal["auto", "none"],
    reject: Callable[[Reject], None],
) -> Labelling:
    """Read classes and splits from the names in `listing`, or from its labels.csv."""
    top = _shared_folder(listing)
    tables = [place for place, name in enumerate(listing.names()) if name == top + LABELS]
    if not tables:
        return _by_folders(listing, top, splits, reject)
    path = listing.root / LABELS
    try:
        content = read_entry(listing, tables[0])
    except UnusableError as error:
        raise DataError(error.reason, where=str(path), expected="a readable table") from None
    return _by_table(listing, top, read_labels(content, path), reject)


def _by_table(
    listing: Listing, top: str, table: LabelTable, reject: Callable[[Reject], None]
) -> Labelling:
    labels = np.full(len(listing), LEFT_OUT, np.int32)
    official = np.full(len(listing), UNDECIDED, np.int8)
    for place, whole in enumerate(listing.names()):
        name = whole.removeprefix(top)
        if name.split("/")[-1] == LABELS:
            continue
        label, split = table.of(name_digest(name))
        official[place] = split
        if label == NO_LABEL:
            reject(Reject(whole, "unlabelled", f"it has no line in {LABELS}"))
        else:
            labels[place] = label
    return Labelling(table.classes, labels, official, [])


def _by_folders(
    listing: Listing,
    top: str,
    splits: SplitFolders | Literal["auto", "none"],
    reject: Callable[[Reject], None],
) -> Labelling:
    tops = _Tops(listing, top)
    roles, said = infer_splits(tops.has_folders, splits, str(listing.root))
    labels = np.full(len(listing), NO_LABEL, np.int32)
    official = np.full(len(listing), UNDECIDED, np.int8)
    classes: dict[str, int] = {}
    for place, name in enumerate(listing.names()):
        first, *rest = name.removeprefix(top).split("/")
        if name.split("/")[-1] == LABELS:
            labels[place] = LEFT_OUT
            continue
        if rest and roles:
            split = roles[first]
            if split == inference.LEFT_OUT:
                reject(Reject(name, "aside", "its folder is of no split"))
                labels[place] = LEFT_OUT
                continue
            official[place] = split
            inside = tops.only_folder[first]
            first, *rest = rest
            if first == inside and len(rest) > 1:
                first, *rest = rest
        if not rest:
            continue
        if class_fault(first):
            reject(Reject(name, "name", f"its folder would be {class_fault(first)}"))
            labels[place] = LEFT_OUT
        else:
            label = unicodedata.normalize("NFC", first)
            labels[place] = classes.setdefault(label, len(classes))
    if classes:
        for lost in np.flatnonzero(labels == NO_LABEL).tolist():
            reject(Reject(listing[lost].name, "unlabelled", "it is not in the folder of a class"))
            labels[lost] = LEFT_OUT
    return Labelling(list(classes), labels, official, [said] if said else [])


class _Tops:
    """The top folders of a listing, and what is in each."""

    def __init__(self, listing: Listing, top: str) -> None:
        self.has_folders: dict[str, bool] = {}
        """By folder, whether there are folders in it."""

        self.only_folder: dict[str, str | None] = {}
        """The one folder in each that holds everything, if its name is like the other's, as in
        `seg_train/seg_train`; it names no class."""

        for name in listing.names():
            first, slash, rest = name.removeprefix(top).partition("/")
            if not slash:
                continue
            inner, deeper, _ = rest.partition("/")
            inside = inner if deeper and set(words(inner)) & set(words(first)) else None
            if first in self.has_folders:
                self.has_folders[first] |= bool(deeper)
                if self.only_folder[first] != inside:
                    self.only_folder[first] = None
            else:
                self.has_folders[first], self.only_folder[first] = bool(deeper), inside
            if len(self.has_folders) > MAX_CLASSES:
                raise DataError(
                    f"more than {MAX_CLASSES} sub-folders",
                    where=str(listing.root),
                    expected="one sub-folder for each class",
                    run="put all pictures into one folder, if the folders are no classes",
                )


def _shared_folder(listing: Listing) -> str:
    """The folder that all entries are in, with its final slash; empty if there is none."""
    shared: list[str] | None = None
    for name in listing.names():
        folders = name.split("/")[:-1]
        pairs = zip(folders if shared is None else shared, folders, strict=False)
        shared = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return "".join(f"{folder}/" for folder in shared or ())


def read_labels(content: bytes, path: Path) -> LabelTable:
    """Read a labels.csv.

    Raises:
        DataError: with the line, when it is not such a table, or names a file twice.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, "it is not UTF-8 text") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    digests, ids, splits = array("Q"), array("i"), array("b")
    classes: dict[str, int] = {}
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if header not in (["file", "label"], ["file", "label", "split"]):
            raise _wrong(path, 1, "its first line is not `file,label` or `file,label,split`")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise _wrong(path, reader.line_num, f"{len(row)} cells instead of {len(header)}")
            name, label, *split = (cell.strip() for cell in row)
            fault = class_fault(label)
            if fault:
                raise _wrong(path, reader.line_num, fault)
            if split and split[0] and split[0].lower() not in SPLIT_NAMES:
                raise _wrong(path, reader.line_num, f"the split {split[0][:50]!a} is unknown")
            digests.append(name_digest(name.replace("\\", "/").removeprefix("./")))
            ids.append(classes.setdefault(label, len(classes)))
            splits.append(SPLIT_NAMES[split[0].lower()] if split and split[0] else UNDECIDED)
            if len(classes) > MAX_CLASSES or len(ids) > MAX_FILES:
                raise _wrong(path, reader.line_num, f"more than {MAX_CLASSES} labels")
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error)) from None
    order = np.argsort(np.array(digests, np.uint64), kind="stable")
    names = np.array(digests, np.uint64)[order]
    twice = np.flatnonzero(names[1:] == names[:-1])
    if len(twice):
        line = int(order[twice + 1].min()) + 2
        raise _wrong(path, line, "it names a file a second time")
    return LabelTable(
        list(classes), names, np.array(ids, np.int32)[order], np.array(splits, np.int8)[order]
    )


def _wrong(path: Path, line: int, what: str) -> DataError:
    return DataError(
        what,
        where=f"{path}, line {line}",
        expected="lines of `file,label` or `file,label,split` (train, validation, test)",
    )
