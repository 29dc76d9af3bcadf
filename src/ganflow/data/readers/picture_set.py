"""A folder or archive of encoded pictures: what is in it, and what the pictures are like."""

import heapq
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers import tarred, zipped
from ganflow.data.readers.decoding import read_entry
from ganflow.data.readers.folder import list_folder
from ganflow.data.readers.formats import Source
from ganflow.data.readers.inflating import compression_of, open_inflating, read_exactly
from ganflow.data.readers.limits import MAX_FILE, MAX_FILES
from ganflow.data.readers.listing import (
    RAW,
    WHOLE,
    Entry,
    Listing,
    is_aside,
    name_digest,
    name_fault,
)
from ganflow.data.readers.pictures import UnusableError, look
from ganflow.data.rejects import Reject

MAX_SHOWN = 200
LOOKED_AT = 1000
"""Pictures whose headers decide what `auto` means: those with the smallest hashes of names."""


def list_pictures(source: Source, scratch: Path, reject: Callable[[Reject], None]) -> Listing:
    """List everything in `source` that may be a picture; `scratch` is an empty folder."""
    if source.kind == "folder":
        listing = Listing(scratch / "listing", source.path)
        list_folder(listing, reject)
    elif source.kind == "zip":
        listing = Listing(scratch / "listing", source.path)
        for member in zipped.members(source.path):
            fault = member.fault or _fault(member.entry.name, member.entry.size)
            _sort(listing, member.entry, fault, reject)
    else:
        listing = _list_tar(source.path, scratch, reject)
    if not len(listing):
        raise DataError(
            "there is no picture in it", where=str(source.path), expected="PNG, JPEG, WebP, ..."
        )
    return listing


def look_around(
    listing: Listing, read: Callable[[Entry], bytes], wanted: np.ndarray
) -> tuple[tuple[int, int], bool]:
    """The size and mode that suit the pictures: height and width, and whether all are grey.

    One common size with sides of 8 to 128 is kept. Otherwise they become squares, of 64 where
    half of the pictures have that, else of 32.
    """
    some = heapq.nsmallest(
        LOOKED_AT,
        ((name_digest(name), place) for place, name in enumerate(listing.names()) if wanted[place]),
    )
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, place in some:
            with suppress(UnusableError):
                seen.append(look(read(listing[place])))
    return suitable_size([(height, width) for height, width, _ in seen]), all(g for *_, g in seen)


def suitable_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """The height and width that `auto` means for pictures of these heights and widths."""
    if len(set(sizes)) == 1 and 8 <= min(sizes[0]) <= max(sizes[0]) <= 128:
        return sizes[0]
    shorter = sorted(min(size) for size in sizes)
    side = 64 if shorter and shorter[len(shorter) // 2] >= 64 else 32
    return side, side


def reader(listing: Listing) -> Callable[[Entry], bytes]:
    """Reads one entry of `listing`."""

    def read(entry: Entry) -> bytes:
        if entry.method == WHOLE:
            return read_entry(listing.root, entry, None)
        descriptor = os.open(listing.root, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return read_entry(listing.root, entry, descriptor)
        finally:
            os.close(descriptor)

    return read


def _list_tar(path: Path, scratch: Path, reject: Callable[[Reject], None]) -> Listing:
    """A compressed tar is written out first: only then can several processes read it."""
    with path.open("rb") as file:
        packed = compression_of(file.read(6)) is not None
    root = scratch / "unpacked" if packed else path
    listing = Listing(scratch / "listing", root)
    seen = 0
    with open_inflating(path) as stream:
        out: BinaryIO | None = root.open("wb") if packed else None
        try:
            for member in tarred.members(stream, path):
                seen += 1
                if seen > MAX_FILES:
                    raise DataError(
                        "too many files", where=str(path), expected=f"at most {MAX_FILES}"
                    )
                fault = member.fault or _fault(member.name, member.size)
                offset = stream.tell()
                if out and not fault and not is_aside(member.name):
                    offset = out.tell()
                    out.write(read_exactly(stream, member.size, path, f"`{member.name[:100]}`"))
                entry = Entry(member.name, RAW, offset, member.size, member.size)
                _sort(listing, entry, fault, reject)
        finally:
            if out:
                out.close()
    return listing


def _fault(name: str, size: int) -> tuple[str, str] | None:
    fault = name_fault(name)
    if fault:
        return "name", fault
    if size > MAX_FILE:
        return "too_large", f"it has {size} bytes, more than {MAX_FILE}"
    return None


def _sort(
    listing: Listing,
    entry: Entry,
    fault: tuple[str, str] | None,
    reject: Callable[[Reject], None],
) -> None:
    if fault:
        reject(Reject(entry.name[:MAX_SHOWN], *fault))
    elif is_aside(entry.name):
        reject(Reject(entry.name, "aside", "it is no picture"))
    else:
        listing.append(entry)
