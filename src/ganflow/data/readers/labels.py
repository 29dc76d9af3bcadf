"""labels.csv: a label, and a split if one likes, for every picture of a folder.

    file,label,split
    0001.png,cat,train

It is read line by line; what stays in memory is a few numbers for each.
"""

import csv
import io
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers.limits import MAX_CLASSES, MAX_FILES
from ganflow.data.readers.listing import class_fault, name_digest
from ganflow.data.splits import TEST, TRAIN, UNDECIDED, VALIDATION

MAX_LINE = 2**14
SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
NO_LABEL = -1


@dataclass(frozen=True)
class Labels:
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


def read_labels(stream: BinaryIO, path: Path) -> Labels:
    """Read a labels.csv.

    Raises:
        DataError: naming the line, when it is no such table, or names a file twice.
    """
    reader = csv.reader(_lines(stream, path), strict=True)
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
                raise _wrong(path, reader.line_num, f"the split {split[0][:50]!a} is none")
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
    return Labels(
        list(classes), names, np.array(ids, np.int32)[order], np.array(splits, np.int8)[order]
    )


def _lines(stream: BinaryIO, path: Path) -> Iterator[str]:
    buffered = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
    number = 0
    while line := buffered.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise _wrong(path, number, f"a line of more than {MAX_LINE} bytes")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _wrong(path, number, "it is not UTF-8 text") from None


def _wrong(path: Path, line: int, what: str) -> DataError:
    return DataError(
        what,
        where=f"{path}, line {line}",
        expected="lines of `file,label` or `file,label,split` (train, validation, test)",
    )
