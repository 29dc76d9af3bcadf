"""The mark in files that are made with a model: which model it was, and what was written.

It has the SHA-256 of the model's card, the hash that DVC gives the model's folder, by which
dvc.lock names it, and the SHA-256 of the file's other bytes, but for the four after the mark: in a
PNG they are a check sum of the mark itself.
"""

import hashlib
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from ganflow.base.files import sha256_of, write_bytes
from ganflow.base.recorded import folder_hash

CARD = "card.json"
MARK_NAME = "ganflow.txt"
"""The name of a file with a mark alone, in a folder that has no other place for it."""

PATTERN = re.compile(rb"ganflow model ([0-9a-f]{64}) ([0-9a-f]{32}) content ([0-9a-f]{64})")
CHECKSUM = 4
ZIP_END = b"PK\x05\x06"


class Mark(NamedTuple):
    """What a file says of itself."""

    card: str
    """SHA-256 of the card of the model that it was made with."""
    folder: str
    """MD5 that DVC gives that model's folder."""
    unchanged: bool


def identity(model: Path) -> str:
    """The two hashes of a model's folder, as a mark has them."""
    return f"{sha256_of(model / CARD)} {folder_hash(model).removesuffix('.dir')}"


def blank(model: str) -> str:
    """A mark with a model's `identity`, and without the content's hash, for `sealed`."""
    return f"ganflow model {model} content {'0' * 64}"


def sealed(content: bytes) -> bytes:
    """A file's bytes, of which one is a blank mark, with the hash of the others in it."""
    found = PATTERN.search(content)
    assert found
    return content[: found.start(3)] + _digest(content, found).encode() + content[found.end(3) :]


def read_mark(content: bytes) -> Mark | None:
    """The mark in a file's bytes; None without."""
    found = PATTERN.search(content)
    if found is None:
        return None
    return Mark(found[1].decode(), found[2].decode(), _digest(content, found) == found[3].decode())


def marked_png(content: bytes, model: str) -> bytes:
    """A PNG with a mark as its text `Source`."""
    whole = sealed(_with_text(content, blank(model)))
    found = PATTERN.search(whole)
    assert found
    return _with_text(content, found[0].decode())


def marked_zip(content: bytes, model: str) -> bytes:
    """A zip without a comment, such as `.npz` and `.keras`, with a mark as its comment."""
    assert content[-22:-18] == ZIP_END
    mark = blank(model).encode()
    return sealed(content[:-2] + struct.pack("<H", len(mark)) + mark)


def mark_zip(path: Path, model: str) -> None:
    """Put a mark into a zip on disk."""
    write_bytes(path, marked_zip(path.read_bytes(), model))


def marked_gif(content: bytes, model: str) -> bytes:
    """A GIF with a mark as its last comment."""
    mark = blank(model).encode()
    return sealed(content[:-1] + b"\x21\xfe" + bytes([len(mark)]) + mark + b"\0" + content[-1:])


def marked_webp(content: bytes, model: str) -> bytes:
    """A WebP with a mark as a last chunk `MARK`, which other programs pass over."""
    mark = blank(model).encode()
    mark += b" " * (len(mark) % 2)
    chunks = content[8:] + b"MARK" + struct.pack("<I", len(mark)) + mark
    return sealed(content[:4] + struct.pack("<I", len(chunks)) + chunks)


MARKED = {"png": marked_png, "gif": marked_gif, "webp": marked_webp}
"""By the format's name, functions of a picture's bytes and a model's `identity`."""


def _with_text(png: bytes, text: str) -> bytes:
    chunk = b"tEXt" + b"Source\0" + text.encode()
    packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = png.rindex(b"IEND") - 4
    return png[:end] + packed + png[end:]


def _digest(content: bytes, mark: re.Match[bytes]) -> str:
    others = hashlib.sha256(content[: mark.start()])
    others.update(content[mark.end() + CHECKSUM :])
    return others.hexdigest()
