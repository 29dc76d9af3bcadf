"""Make the prepared store from a source in `data/raw`, in blocks that fit into memory."""

import math
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganflow.base.environment import versions
from ganflow.base.errors import DataError
from ganflow.base.files import FULL, write_json
from ganflow.base.store import CARD, SPLITS, writing_array
from ganflow.config.data import DataParams
from ganflow.data import near_duplicates, selection, splits, stacked
from ganflow.data.inference import Inference, check_contrast, infer_labels
from ganflow.data.readers.decoding import in_order
from ganflow.data.readers.formats import recognise
from ganflow.data.readers.gathering import Gathered, gather
from ganflow.data.readers.labels import NO_LABEL
from ganflow.data.rejects import REJECTED, Reject, Rejects
from ganflow.data.splits import DROPPED, TRAIN

SHA256 = re.compile("[0-9a-f]{64}")
MIN_SHARED = 5
"""Images that two classes may share by chance."""

BLOCK = 2**20
"""Bytes of images in a block, which stays in the processor's cache while it is summed."""


def prepare(
    data: DataParams, raw: Path, store: Path, workers: int | None = None
) -> list[Inference]:
    """Make the store of `data` from the source below `raw`, in the empty folder `store`.

    Args:
        workers: processes that decode pictures; None chooses.

    Returns:
        what was inferred about the data.

    Raises:
        DataError: when the source is missing or damaged, too much of it is unusable, it lacks
            what `data` asks for, or a split would be empty.
    """
    where = raw / data.source
    rejects = Rejects(where, data.max_rejected)
    scratch = store / ".scratch"
    scratch.mkdir()
    try:
        source = recognise(where)
        with gather(source, data, scratch, rejects, workers) as gathered:
            card: dict[str, Any] = {
                "source": data.source,
                "format": source.kind,
                "sha256": gathered.sha256,
            }
            if data.exclude:
                card |= _exclude(gathered, data.exclude)
            _use_labels(gathered, data)
            chosen, found = _choose(gathered, data, rejects)
            card |= _write(gathered, data, store, chosen) | found
            inferred = gathered.inferred
        if flat := check_contrast(card["statistics"]["mean"], card["statistics"]["std"]):
            inferred.append(flat)
        card["rejected"] = {"faults": rejects.faults, "kinds": dict(sorted(rejects.kinds.items()))}
        card["versions"] = {name: versions()[name] for name in ("numpy", "pillow", "scipy")}
        card["inferred"] = [asdict(inference) for inference in inferred]
        rejects.write(store / REJECTED)
        write_json(store / CARD, card)
        return inferred
    except OSError as error:
        raise DataError(
            f"it cannot be read or written: {error.strerror or error}",
            where=str(error.filename or (store if error.errno in FULL else where)),
            expected="readable files, and space on the disk",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(gathered: Gathered, data: DataParams, store: Path, chosen: np.ndarray) -> dict[str, Any]:
    """Write the images and labels of each split; returns the card's entries about them."""
    form, used = gathered.form, np.unique(gathered.labels[chosen != DROPPED])
    names = selection.in_order([gathered.classes[n] for n in used] if gathered.classes else [])
    _check_splits(chosen, gathered, data)
    if data.stacked:
        _check_stackable(gathered, names)
    places = {name: place for place, name in enumerate(names)}
    # Without labels, every image has the last number.
    numbers = np.array([places.get(name, -1) for name in (*gathered.classes, "")], np.int64)
    sizes, counts, statistics = {}, {}, {}
    for split, name in enumerate(SPLITS):
        members = in_digest_order(np.flatnonzero(chosen == split), gathered)
        labels = numbers[gathered.labels[members]]
        if names:
            counts[name] = np.bincount(labels, minlength=len(names)).tolist()
        if data.stacked:
            wanted = data.stacked if split == TRAIN else len(members)
            drawn = stacked.draw(len(members), wanted, split)
            members, labels = members[drawn], stacked.stack_labels(labels[drawn], len(names))
        sizes[name] = len(members)
        statistics[name] = _write_images(store / name / "images.npy", gathered, members)
        if names:
            with writing_array(store / name / "labels.npy", labels.shape, np.int64) as append:
                append(labels)
    shown = stacked.stack_names(names) if data.stacked else names
    return {
        "shape": [form.height, form.width, stacked.CHANNELS if data.stacked else form.shape[2]],
        **({"classes": shown} if names else {}),
        "splits": sizes,
        "statistics": statistics["train"],
        **({"stacked": {"images": data.stacked, "classes": names}} if data.stacked else {}),
        **({"class_counts": counts} if counts else {}),
        "form": asdict(form),
        "official_splits": [
            name for split, name in enumerate(SPLITS) if (gathered.official == split).any()
        ],
    }


def _exclude(gathered: Gathered, exclude: list[str]) -> dict[str, int]:
    """Mark the images that `exclude` lists as unusable, and say how many there are."""
    listed = {entry[:32] if SHA256.fullmatch(entry) else entry for entry in exclude}
    usable, found = gathered.findings["usable"], set()
    before = int(usable.sum())
    for row in np.flatnonzero(usable).tolist():
        first, second = gathered.findings["source"][row].tolist()
        for entry in listed & {gathered.name(row), f"{first:016x}{second:016x}"}:
            usable[row] = False
            found.add(entry)
    count, missing = before - int(usable.sum()), sorted(listed - found)
    seen = f"data.exclude has {len(listed):,} entries"
    if missing:
        seen += f", and nothing in the source is {', '.join(missing[:3])}"
    said = Inference("excluded", f"{count:,} images", seen, doubtful=bool(missing))
    gathered.inferred.append(said)
    return {"excluded": count}


def _use_labels(gathered: Gathered, data: DataParams) -> None:
    """Decide whether labels are used, and forget them if not."""
    if not gathered.classes:
        if data.labels == "ignore":
            gathered.inferred.append(Inference("labels", "not used", "data.labels"))
        return
    labels = gathered.labels[gathered.findings["usable"]]
    counts = np.bincount(labels, minlength=len(gathered.classes)).tolist()
    named = {name: n for name, n in zip(gathered.classes, counts, strict=True) if n}
    used, inference = infer_labels(named, data)
    gathered.inferred.append(inference)
    if not used:
        gathered.classes, gathered.labels = [], np.full_like(gathered.labels, NO_LABEL)


def _check_classes(gathered: Gathered, chosen: np.ndarray) -> None:
    """Refuse classes that consist of pictures of other classes: a second copy of the set."""
    members = np.flatnonzero(chosen != DROPPED)
    pixels, labels = gathered.findings["pixels"][members, 0], gathered.labels[members]
    pairs = np.unique(np.stack([pixels, labels.astype(np.uint64)], 1), axis=0)
    images, classes_with = np.unique(pairs[:, 0], return_counts=True)
    shared = np.isin(pixels, images[classes_with > 1])
    counts = np.bincount(labels[shared], minlength=len(gathered.classes))
    totals = np.bincount(labels, minlength=len(gathered.classes))
    alike = np.flatnonzero((counts >= MIN_SHARED) & (2 * counts > totals))
    if len(alike):
        names = [f"{gathered.classes[label]} ({counts[label]:,})" for label in alike]
        raise DataError(
            f"the same pictures are in several classes: {', '.join(sorted(names)[:10])}",
            where=str(gathered.where),
            expected="each picture in one class: is a folder a second copy of the set?",
            run="remove that folder, name the others in data.splits or data.classes, or set "
            "data.labels: use in params.yaml if this is meant",
        )


def _choose(
    gathered: Gathered, data: DataParams, rejects: Rejects
) -> tuple[np.ndarray, dict[str, Any]]:
    """The split of every image or `DROPPED`, and the card's entries about that."""
    share = data.test_share
    if share == "auto":
        share = splits.share_for_test(len(gathered.official))
    assigned = splits.assign(
        gathered.official, gathered.findings["source"], share, data.validation_share
    )
    assigned[~gathered.findings["usable"]] = DROPPED
    order = in_digest_order(np.arange(len(assigned)), gathered)  # says which copy stays
    chosen = assigned.copy()
    chosen[order], copies = splits.drop_copies(
        assigned[order], gathered.findings["pixels"][order], within=data.duplicates == "drop"
    )
    for row in np.flatnonzero(chosen != assigned):
        reason = "the same image is kept in this split, in validation or in test"
        rejects.add(Reject(gathered.name(int(row)), "duplicate", reason))
    card: dict[str, Any] = {
        "duplicates": {"copies": copies, "dropped": int((chosen != assigned).sum())}
    }
    if data.near_duplicates != "ignore":
        chosen, card["near_duplicates"] = _near(gathered, data, chosen, rejects)
    before = int((chosen == TRAIN).sum())
    if data.balance:
        if not gathered.classes:
            raise DataError(
                "data.balance needs labels, and this source has none",
                where=str(gathered.where),
                expected="`balance: false`, or a source with labels",
                run="change data.balance in params.yaml",
            )
        chosen = selection.balance(chosen, gathered.labels, gathered.findings["source"])
    balanced = int((chosen == TRAIN).sum())
    if data.limit is not None:
        chosen = selection.limit(chosen, gathered.findings["source"], data.limit)
    card["left_out"] = {
        "by_class": gathered.unselected,
        "by_balance": before - balanced,
        "by_limit": balanced - int((chosen == TRAIN).sum()),
    }
    if data.labels == "auto" and gathered.classes:
        _check_classes(gathered, chosen)
    return chosen, card


def _near(
    gathered: Gathered, data: DataParams, chosen: np.ndarray, rejects: Rejects
) -> tuple[np.ndarray, dict[str, int]]:
    # Copies of one image are all in one split by now, so one of them is enough.
    members = in_digest_order(np.flatnonzero(chosen != DROPPED), gathered)
    _, first, group = np.unique(
        gathered.findings["pixels"][members, 0], return_index=True, return_inverse=True
    )
    distinct = members[first]
    with gathered.rows.open("rb") as rows:
        pairs = near_duplicates.near_pairs(
            gathered.findings["hash"][distinct],
            data.near_distance,
            lambda places: read_rows(rows, distinct[places], gathered.form.shape),
        )
    apart = chosen[distinct[pairs[:, 0]]] != chosen[distinct[pairs[:, 1]]]
    found = {"pairs": len(pairs), "across_splits": int(apart.sum())}
    if data.near_duplicates == "drop":
        kept = near_duplicates.keep_one(chosen[distinct], pairs, TRAIN)[group]
        for row in members[kept != chosen[members]]:
            reason = "it looks like another image that stays"
            rejects.add(Reject(gathered.name(int(row)), "near_duplicate", reason))
        found["dropped"] = int((kept != chosen[members]).sum())
        chosen = chosen.copy()
        chosen[members] = kept
    return chosen, found


def in_digest_order(members: np.ndarray, gathered: Gathered) -> np.ndarray:
    """Sort rows by their content, so that the order of reading does not matter."""
    sources, pixels = gathered.findings["source"][members], gathered.findings["pixels"][members]
    keys = (gathered.labels[members], pixels[:, 0], sources[:, 1], sources[:, 0])
    return members[np.lexsort(keys)]


def read_rows(rows: BinaryIO, members: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The images of some rows: uint8 (*members.shape, h, w, c)."""
    images = np.empty((*members.shape, *shape), np.uint8)
    flat = images.reshape(members.size, math.prod(shape))
    places = (members.reshape(-1) * flat.shape[1]).tolist()
    for row, place in zip(flat, places, strict=True):
        os.preadv(rows.fileno(), [row.data], place)
    return images


def _write_images(path: Path, gathered: Gathered, members: np.ndarray) -> dict[str, list[float]]:
    """Write some rows, and give each channel's mean and standard deviation, 0 to 255.

    The sums are integers, so they do not depend on how the images are divided into blocks.

    Args:
        members: int64 (n,), or (n, 3) for stacks of three.
    """
    height, width, channels = gathered.form.shape
    if members.ndim == 2:
        channels = stacked.CHANNELS
    total = np.zeros(channels, np.int64)
    squares = np.zeros(channels, np.int64)
    parts = np.array_split(members, math.prod(gathered.form.shape) * members.size // BLOCK + 1)
    with (
        gathered.rows.open("rb") as rows,
        writing_array(path, (len(members), height, width, channels), np.uint8) as append,
        ThreadPoolExecutor(2) as threads,
    ):

        def read(part: np.ndarray) -> tuple[np.ndarray, ...]:
            block = read_rows(rows, part, gathered.form.shape)
            block = stacked.stack(block) if part.ndim == 2 else block
            # A block has at most 2^16 images, whose squares 32 bits can hold.
            wide = block.astype(np.uint16)
            over_images = [part.sum(axis=0, dtype=np.uint32) for part in (wide, wide * wide)]
            return block, *(part.sum(axis=(0, 1), dtype=np.int64) for part in over_images)

        for _, future in in_order(lambda part: threads.submit(read, part), parts, 4):
            block, sums, sums_of_squares = future.result()
            append(block)
            total += sums
            squares += sums_of_squares
    count = len(members) * height * width
    mean, square = total / count, squares / count
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    return {"mean": mean.round(4).tolist(), "std": deviation.round(4).tolist()}


def _check_splits(chosen: np.ndarray, gathered: Gathered, data: DataParams) -> None:
    for split, name in enumerate(SPLITS):
        if not (chosen == split).any():
            raise DataError(
                f"no image is left for the {name} split: "
                f"{int((chosen != DROPPED).sum())} can be used in all",
                where=str(gathered.where),
                expected="images for training, validation and test (a few hundred at least)",
                run=f"ganflow data show {data.source}",
            )
    trained = np.unique(gathered.labels[chosen == TRAIN])
    lost = np.setdiff1d(gathered.labels[chosen != DROPPED], trained)
    if len(lost):
        names = ", ".join(selection.in_order([gathered.classes[label] for label in lost])[:10])
        raise DataError(
            f"no training image is left of: {names}",
            where=str(gathered.where),
            expected="some of each class, or `data.classes` without these",
            run="set data.labels: ignore in params.yaml, or data.classes, or add images",
        )


def _check_stackable(gathered: Gathered, names: list[str]) -> None:
    if gathered.form.shape[2] != 1 or len(names) ** stacked.CHANNELS > stacked.MAX_CLASSES:
        raise DataError(
            f"data.stacked with {len(names)} classes would make {len(names) ** 3}",
            where=str(gathered.where),
            expected=f"at most {stacked.MAX_CLASSES}: ten classes make 1,000 modes",
            run="choose ten of them with data.classes",
        )
