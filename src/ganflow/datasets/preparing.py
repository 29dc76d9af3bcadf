"""From a source in `data/raw` to a prepared store, streaming: memory holds blocks and an index."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.datasets import idx_set, splits
from ganflow.datasets.store import CARD, SPLITS, ArrayWriter
from ganflow.errors import DataError
from ganflow.files import sha256_of, write_json, write_text
from ganflow.params.data import Data
from ganflow.progress import progress

ROWS = 4096
REJECTED = "rejected.csv"


def prepare(data: Data, raw: Path, store: Path) -> None:
    """Make the store of `data` from the source below `raw` in the empty folder `store`."""
    source = raw / data.source
    pairs = idx_set.find_pairs(source, _idx_files(source))
    shape = (*pairs[0].shape[1:], 1)[:3]
    scratch = store / ".scratch"
    digests, labels, official = [], [], []
    total = sum(pair.shape[0] for pair in pairs)
    with progress("prepare", total) as shown, scratch.open("wb") as rows:
        for pair in pairs:
            for images, ids in idx_set.read(pair, ROWS):
                digests.append(_digests(images))
                labels.append(ids if ids is not None else np.zeros(len(images), np.uint8))
                place = splits.TEST if pair.split == "test" else splits.UNDECIDED
                official.append(np.full(len(images), place, np.int8))
                rows.write(images.data)
                shown.advance(len(images))
    pixels = np.concatenate(digests)
    first = splits.assign(np.concatenate(official), pixels, 0.0, data.validation_share)
    if any(pair.split == "test" for pair in pairs) is False:
        raise DataError("no test images", where=str(source), expected=idx_set.CANONICAL)
    chosen, rank = splits.drop_copies(first, pixels)
    values = np.concatenate(labels)
    classes = np.unique(values) if pairs[0].labels is not None else None
    indices = None if classes is None else np.searchsorted(classes, values).astype(np.int64)
    card: dict[str, Any] = {"source": data.source, "sha256": _hash_of(pair_files(source))}
    card["shape"] = list(shape)
    if classes is not None:
        card["classes"] = [str(c) for c in classes]
    card["splits"] = {}
    card["duplicates"] = {
        "copies": int((rank > 0).sum()),
        "dropped_across_splits": int((chosen == splits.DROPPED).sum()),
    }
    for place, name in enumerate(SPLITS):
        members = np.flatnonzero(chosen == place)
        if not len(members):
            raise DataError(f"no image is left for the {name} split", where=str(source))
        members = members[np.lexsort((members, pixels[members, 1], pixels[members, 0]))]
        card["splits"][name] = len(members)
        _copy_rows(scratch, members, shape, store / name / "images.npy")
        if indices is not None:
            with ArrayWriter(store / name / "labels.npy", (), np.dtype(np.int64)) as writer:
                writer.append(indices[members])
    scratch.unlink()
    write_json(store / CARD, card)
    dropped = np.flatnonzero(chosen == splits.DROPPED)
    write_rejected(store / REJECTED, ((_name(pairs, int(i)), "duplicate", "") for i in dropped))


def write_rejected(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "kind", "reason"))
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _name(pairs: list[idx_set.Pair], row: int) -> str:
    for pair in pairs:
        if row < pair.shape[0]:
            return f"{pair.images.name}[{row}]"
        row -= pair.shape[0]
    raise IndexError(row)


def pair_files(folder: Path) -> list[Path]:
    return _idx_files(folder)


def _idx_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(
            f"there is no `{folder.name}`",
            where=str(folder.parent),
            expected="the folder that `data.source` names",
            run="dvc pull",
        )
    return sorted(p for p in folder.iterdir() if p.is_file() and "-ubyte" in p.name)


def _hash_of(files: list[Path]) -> str:
    """Of names and contents, in whatever order the files are listed."""
    total = sum(
        int(hashlib.sha256(f"{path.name}\0{sha256_of(path)}".encode()).hexdigest(), 16)
        for path in files
    )
    return f"{total % 2**256:064x}"


def _digests(images: np.ndarray) -> np.ndarray:
    """The first 128 bits of each image's SHA-256: uint64 (n, 2)."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    raw = b"".join(hashlib.sha256(row.data).digest()[:16] for row in rows)
    return np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)


def _copy_rows(scratch: Path, members: np.ndarray, shape: tuple[int, ...], path: Path) -> None:
    size = int(np.prod(shape))
    with ArrayWriter(path, shape, np.dtype(np.uint8)) as writer, scratch.open("rb") as rows:
        for start in range(0, len(members), ROWS):
            block = members[start : start + ROWS]
            content = b"".join(os.pread(rows.fileno(), size, int(i) * size) for i in block)
            writer.append(np.frombuffer(content, np.uint8).reshape(-1, *shape))
