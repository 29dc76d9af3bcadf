"""Make the prepared store from a source in `data/raw`, in blocks that fit into memory."""

import math
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import FULL, write_json
from ganflow.base.store import CARD, SPLITS, writing_array
from ganflow.config.data import DataParams
from ganflow.data import near_duplicates, selection, splits, stacked
from ganflow.data.readers.formats import recognise
from ganflow.data.readers.gathering import Gathered, gather
from ganflow.data.rejects import REJECTED, Reject, Rejects
from ganflow.data.splits import DROPPED, TRAIN

T = TypeVar("T")

BLOCK = 2**20
"""Bytes of images in a block, which stays in the processor's cache while it is summed."""


def prepare(data: DataParams, raw: Path, store: Path, workers: int | None = None) -> None:
    """Make the store of `data` from the source below `raw`, in the empty folder `store`.

    Args:
        workers: processes that decode pictures; None chooses.

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
            card = {"source": data.source, "format": source.kind, "sha256": gathered.sha256}
            _write(gathered, data, store, rejects, card, where)
    except OSError as error:
        raise DataError(
            f"it cannot be read or written: {error.strerror or error}",
            where=str(error.filename or (store if error.errno in FULL else where)),
            expected="readable files, and space on the disk",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(
    gathered: Gathered,
    data: DataParams,
    store: Path,
    rejects: Rejects,
    card: dict[str, Any],
    where: Path,
) -> None:
    """Choose the images of each split, write them, and complete the data card."""
    chosen, found = _choose(gathered, data, rejects, where)
    names = _names(gathered, chosen)
    _check_splits(chosen, gathered, data, where)
    if data.stacked:
        _check_stackable(gathered, names, where)
    form = gathered.form
    channels = stacked.CHANNELS if data.stacked else form.shape[2]
    card["shape"] = [form.height, form.width, channels]
    if names:
        card["classes"] = stacked.stack_names(names) if data.stacked else names
    card["splits"] = {}
    counts: dict[str, list[int]] = {}
    number = {name: place for place, name in enumerate(names)}
    numbers = np.array([number.get(name, -1) for name in gathered.classes], np.int64)
    for split, name in enumerate(SPLITS):
        members = in_digest_order(np.flatnonzero(chosen == split), gathered)
        labels = numbers[gathered.labels[members]] if names else None
        if labels is not None:
            counts[name] = np.bincount(labels, minlength=len(names)).tolist()
        if data.stacked:
            wanted = data.stacked if split == TRAIN else len(members)
            drawn = stacked.draw(len(members), wanted, split)
            members = members[drawn]
            labels = None if labels is None else stacked.stack_labels(labels[drawn], len(names))
        card["splits"][name] = len(members)
        statistics = _write_images(store / name / "images.npy", gathered, members)
        if split == TRAIN:
            card["statistics"] = statistics
        if labels is not None:
            with writing_array(store / name / "labels.npy", labels.shape, np.int64) as append:
                append(labels)
    if data.stacked:
        card["stacked"] = {"images": data.stacked, "classes": names}
    if counts:
        card["class_counts"] = counts
    card["form"] = asdict(form)
    card["official_splits"] = [
        name for split, name in enumerate(SPLITS) if (gathered.official == split).any()
    ]
    card |= found
    kinds = Counter(row.kind for row in rejects.rows)
    card["rejected"] = {"faults": rejects.faults, "kinds": dict(sorted(kinds.items()))}
    rejects.write(store / REJECTED)
    write_json(store / CARD, card)


def _names(gathered: Gathered, chosen: np.ndarray) -> list[str]:
    """The classes that are used, in the order of their indices in the store."""
    if not gathered.classes:
        return []
    present = np.unique(gathered.labels[chosen != DROPPED])
    return selection.in_order([gathered.classes[label] for label in present])


def _choose(
    gathered: Gathered, data: DataParams, rejects: Rejects, where: Path
) -> tuple[np.ndarray, dict[str, Any]]:
    """The split of every image or `DROPPED`, and the card's entries about that."""
    assigned = splits.assign(
        gathered.official, gathered.findings["source"], data.test_share, data.validation_share
    )
    assigned[~gathered.findings["usable"]] = DROPPED
    chosen, copies = splits.drop_copies(assigned, gathered.findings["pixels"])
    for row in np.flatnonzero(chosen != assigned):
        reason = "the same image is in the test split, or in validation"
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
                where=str(where),
                expected="`balance: false`, or a source with labels",
                run="change data.balance in params.yaml",
            )
        chosen = selection.balance(chosen, gathered.labels, gathered.findings["source"])
    balanced = int((chosen == TRAIN).sum())
    if data.limit is not None:
        chosen = selection.limit(chosen, gathered.findings["source"], data.limit)
    limited = int((chosen == TRAIN).sum())
    card["left_out"] = {
        "by_class": gathered.unselected,
        "by_balance": before - balanced,
        "by_limit": balanced - limited,
    }
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
    ):

        def read(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            block = read_rows(rows, part, gathered.form.shape)
            block = stacked.stack(block) if part.ndim == 2 else block
            wide = block.astype(np.uint16)
            return block, _by_channel(wide), _by_channel(wide * wide)

        for block, sums, sums_of_squares in _ahead(read, parts):
            append(block)
            total += sums
            squares += sums_of_squares
    count = len(members) * height * width
    mean, square = total / count, squares / count
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    return {"mean": mean.round(4).tolist(), "std": deviation.round(4).tolist()}


def _ahead(task: Callable[[np.ndarray], T], inputs: Iterable[np.ndarray]) -> Iterator[T]:
    """The results of `task`, in order; two threads work at most four inputs ahead."""
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(2) as threads:
        for given in inputs:
            waiting.append(threads.submit(task, given))
            if len(waiting) > 4:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _by_channel(block: np.ndarray) -> np.ndarray:
    """Sums of at most 2^16 images, uint16 (n, h, w, c), over all but the channels: int64 (c,)."""
    over_images = block.sum(axis=0, dtype=np.uint32)
    sums: np.ndarray = over_images.sum(axis=(0, 1), dtype=np.int64)
    return sums


def _check_splits(chosen: np.ndarray, gathered: Gathered, data: DataParams, where: Path) -> None:
    for split, name in enumerate(SPLITS):
        if not (chosen == split).any():
            raise DataError(
                f"no image is left for the {name} split: "
                f"{int((chosen != DROPPED).sum())} can be used in all",
                where=str(where),
                expected="images for training, validation and test (a few hundred at least)",
                run=f"ganflow data show {data.source}",
            )
    trained = np.unique(gathered.labels[chosen == TRAIN])
    lost = np.setdiff1d(gathered.labels[chosen != DROPPED], trained)
    if len(lost):
        names = ", ".join(selection.in_order([gathered.classes[label] for label in lost])[:10])
        raise DataError(
            f"no training image is left of: {names}",
            where=str(where),
            expected="some of each class, or `data.classes` without these",
            run=f"ganflow data show {data.source}",
        )


def _check_stackable(gathered: Gathered, names: list[str], where: Path) -> None:
    if gathered.form.shape[2] != 1 or len(names) ** stacked.CHANNELS > stacked.MAX_CLASSES:
        raise DataError(
            f"data.stacked with {len(names)} classes would make {len(names) ** 3}",
            where=str(where),
            expected=f"at most {stacked.MAX_CLASSES}: ten classes make 1,000 modes",
            run="choose ten of them with data.classes",
        )
