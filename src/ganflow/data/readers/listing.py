"""The encoded pictures of a source: their names, and where their bytes are.

Both are in a scratch file, so that memory holds only one number for each picture.
"""

import hashlib
import os
import re
import struct
import unicodedata
import zipfile
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from ganflow.data.readers.limits import MAX_CLASS_NAME, MAX_NAME

AT_ONCE = 256
RECORD = struct.Struct("<QQQBI")
LABELS = "labels.csv"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
WHOLE, RAW = 254, 255
DRIVE = re.compile(r"[A-Za-z]:/")
LEFTOVERS = {
    *("__macosx", "@eadir", "#recycle", "@recycle", "@tmp", "lost+found", "$recycle.bin"),
    *("system volume information", "recycler", "thumbs.db", "ehthumbs.db", "desktop.ini"),
    "icon\r",
}
"""Files and folders that macOS, Windows, Linux and network drives leave beside the user's."""

COMPANIONS = {"readme", "license", "licence", "copying", "citation", "authors", "notice"}


class Entry(NamedTuple):
    """One encoded picture.

    `method` is `WHOLE` for a file of its own below the listing's root. Otherwise the root is an
    archive: `RAW` bytes at `offset` (tar), or a zip member there, compressed by one of `METHODS`,
    whose `packed` bytes become `size` bytes.
    """

    name: str
    method: int = WHOLE
    offset: int = 0
    packed: int = 0
    size: int = 0
    checksum: int = 0


class Member(NamedTuple):
    """What a folder or an archive holds under one name."""

    entry: Entry
    fault: tuple[str, str] | None
    """Kind and reason, for a member that must not be read."""


class Listing:
    """Entries in a scratch file, in the order in which they were found."""

    def __init__(self, scratch: Path, root: Path) -> None:
        self.root = root
        """The folder that the names are relative to, or the archive that holds the bytes."""

        self.offsets = array("Q", [0])
        self.stream = scratch.open("w+b")

    def append(self, entry: Entry) -> None:
        name = entry.name.encode("utf-8", "surrogateescape")
        record = RECORD.pack(entry.offset, entry.packed, entry.size, entry.method, entry.checksum)
        self.offsets.append(self.offsets[-1] + self.stream.write(record + name))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int) -> Entry:
        content = self._content(place, place + 1)
        offset, packed, size, method, checksum = RECORD.unpack_from(content)
        return Entry(_name(content[RECORD.size :]), method, offset, packed, size, checksum)

    def names(self) -> Iterator[str]:
        """The names alone, in order, which is faster than whole entries."""
        for start in range(0, len(self), AT_ONCE):
            end = min(start + AT_ONCE, len(self))
            content, first = self._content(start, end), self.offsets[start]
            for place, stop in pairwise(self.offsets[start : end + 1]):
                yield _name(content[place - first + RECORD.size : stop - first])

    def _content(self, start: int, end: int) -> bytes:
        """The records of some entries."""
        self.stream.flush()
        first = self.offsets[start]
        return os.pread(self.stream.fileno(), self.offsets[end] - first, first)

    def close(self) -> None:
        self.stream.close()


def _name(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def name_digest(name: str) -> int:
    """A 64-bit digest of a name; equal for composed and decomposed accents."""
    text = unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def normalised(name: str) -> str:
    """An archive's name for a member with forward slashes, composed accents and no `./`."""
    parts = unicodedata.normalize("NFC", name.replace("\\", "/")).split("/")
    ends = (0, len(parts) - 1)  # an empty first part is a root, an empty last one a folder
    return "/".join(part for i, part in enumerate(parts) if part != "." and (part or i in ends))


def name_fault(name: str) -> str | None:
    """Why a name from an archive or folder cannot be accepted, or None."""
    if len(name) > MAX_NAME:
        return f"its name has {len(name)} characters"
    plain = name.isascii() and name.isprintable()
    if not plain and any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name
    ):
        return "its name holds control characters or is not Unicode"
    if name.startswith("/") or DRIVE.match(name) or ".." in name.split("/"):
        return "its name leads out of the archive"
    return None


def class_fault(label: str) -> str | None:
    """Why a text cannot be the name of a class, or None."""
    if not 0 < len(label) <= MAX_CLASS_NAME:
        return f"a label of {len(label)} characters; 1 to {MAX_CLASS_NAME} are allowed"
    if any(unicodedata.category(character)[0] == "C" for character in label):
        return "a label with control characters"
    return None


def is_leftover(name: str) -> bool:
    """Whether a system left this file or folder there, as a thumbnail or in the trash."""
    parts = name.split("/")
    return any((p.startswith(".") and p != "..") or p.lower() in LEFTOVERS for p in parts)


def is_companion(name: str) -> bool:
    """Whether a file is named like one that accompanies pictures; its content decides."""
    last = name.split("/")[-1].lower()
    return (
        last.split(".")[0] in COMPANIONS
        or last.endswith(
            (".dvc", ".md", ".txt", ".html", ".json", ".xml", ".yaml", ".yml", ".toml")
        )
        or (last.endswith((".csv", ".tsv")) and last != LABELS)
    )
