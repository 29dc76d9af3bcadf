"""A folder or archive of encoded pictures: list them, and choose the size and mode for `auto`."""

import heapq
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.readers import folder, tarred, zipped
from ganflow.data.readers.decoding import read_entry
from ganflow.data.readers.formats import Source
from ganflow.data.readers.inflating import compression_of, open_inflating
from ganflow.data.readers.limits import MAX_FILE, MAX_FILES, MAX_NAME
from ganflow.data.readers.listing import (
    Entry,
    Listing,
    is_companion,
    is_leftover,
    name_digest,
    name_fault,
)
from ganflow.data.readers.pictures import UnusableError, read_size
from ganflow.data.readers.signatures import FORMATS, START, picture_format
from ganflow.data.rejects import Reject

LOOKED_AT = 1000
"""Pictures whose headers decide what `auto` means: those whose names have the smallest hashes."""


def list_pictures(source: Source, scratch: Path, reject: Callable[[Reject], None]) -> Listing:
    """List everything in `source` that may be a picture; `scratch` is an empty folder."""
    path = source.path
    root = _inflated(path, scratch / "inflated") if source.kind == "tar" else path
    found = {"folder": folder.members, "zip": zipped.members}.get(source.kind)
    listing = Listing(scratch / "listing", root)
    for seen, (entry, fault) in enumerate(found(root) if found else tarred.members(root, path)):
        if seen == MAX_FILES:
            raise DataError("too many files", where=str(path), expected=f"at most {MAX_FILES}")
        if is_leftover(entry.name):
            fault = "aside", "a system left it there"
        elif problem := name_fault(entry.name):
            fault = "name", problem
        elif entry.size > MAX_FILE:
            fault = fault or ("too_large", f"it has {entry.size} bytes, more than {MAX_FILE}")
        elif not fault and is_companion(entry.name) and not _is_picture(root, entry):
            fault = "aside", "it is not a picture"
        if fault:
            reject(Reject(entry.name[:MAX_NAME], *fault))
        else:
            listing.append(entry)
    if not len(listing):
        raise DataError("there is no picture in it", where=str(path), expected=", ".join(FORMATS))
    return listing


def _is_picture(root: Path, entry: Entry) -> bool:
    with suppress(UnusableError):
        return picture_format(read_entry(root, entry)[:START]) is not None
    return False


def _inflated(path: Path, target: Path) -> Path:
    """Decompress a tar to `target`, so that several processes can read it; or leave it as it is."""
    with path.open("rb") as file:
        if compression_of(file.read(6)) is None:
            return path
    with open_inflating(path) as stream, target.open("wb") as out:
        shutil.copyfileobj(stream, out)
    return target


def suitable_form(listing: Listing, wanted: np.ndarray) -> tuple[tuple[int, int], bool]:
    """The size and mode for `auto`: height and width, and whether all pictures are grey.

    A common size with sides of 8 to 128 is kept. Otherwise pictures become squares: of 64 if half
    of them are at least as large, else of 32.
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
                seen.append(read_size(read_entry(listing.root, listing[place])))
    return suitable_size([(height, width) for height, width, _ in seen]), all(g for *_, g in seen)


def suitable_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """The height and width that `auto` means for pictures of these heights and widths."""
    if len(set(sizes)) == 1 and 8 <= min(sizes[0]) <= max(sizes[0]) <= 128:
        return sizes[0]
    shorter = sorted(min(size) for size in sizes)
    side = 64 if shorter and shorter[len(shorter) // 2] >= 64 else 32
    return side, side
