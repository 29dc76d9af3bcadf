"""A folder of idx files in MNIST's arrangement: training and test images with their labels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.store import SplitName
from ganflow.data.readers import idx

ROLE = re.compile(r"(train|t10k|test)[-_.](images|labels)")
CANONICAL = "train-images, train-labels, t10k-images and t10k-labels, gzipped or plain"


@dataclass(frozen=True)
class Pair:
    """The images of one official split, and their labels where there are any."""

    split: SplitName
    images: Path
    shape: tuple[int, ...]
    labels: np.ndarray | None


def find_pairs(folder: Path, files: list[Path]) -> list[Pair]:
    """Pair the idx `files` of `folder` by their names, and verify them against each other.

    Raises:
        DataError: naming the file that is missing, doubled, swapped or of another size.
    """
    roles: dict[tuple[SplitName, str], Path] = {}
    for path in sorted(files):
        match = ROLE.search(path.name)
        if match is None:
            raise DataError(
                f"`{path.name}` does not say whether it is training or test data",
                where=str(folder),
                expected=CANONICAL,
            )
        role: tuple[SplitName, str] = ("train" if match[1] == "train" else "test", match[2])
        if role in roles:
            raise DataError(
                f"`{roles[role].name}` and `{path.name}` are both {role[0]} {role[1]}",
                where=str(folder),
                expected="one of the two",
            )
        roles[role] = path
    with_labels = any(kind == "labels" for _, kind in roles)
    splits: list[SplitName] = ["train", "test"] if any(s == "test" for s, _ in roles) else ["train"]
    for split in splits:
        for kind in ("images", "labels") if with_labels else ("images",):
            if (split, kind) not in roles:
                name = f"{'t10k' if split == 'test' else split}-{kind}"
                raise DataError(f"`{name}` is missing", where=str(folder), expected=CANONICAL)
    pairs = [_pair(split, roles) for split in splits]
    if len({pair.shape[1:] for pair in pairs}) > 1:
        raise DataError(
            f"training images are of {pairs[0].shape[1:]}, test images of {pairs[1].shape[1:]}",
            where=str(folder),
            expected="one shape",
        )
    return pairs


def _pair(split: SplitName, roles: dict[tuple[SplitName, str], Path]) -> Pair:
    images = roles[split, "images"]
    shape = idx.read_shape(images, (3, 4))
    path = roles.get((split, "labels"))
    labels = idx.read_labels(path) if path else None
    if path and labels is not None and len(labels) != shape[0]:
        raise DataError(
            f"{shape[0]} images in `{images.name}`, {len(labels)} labels in `{path.name}`",
            where=str(path),
            expected=f"one label for each image: {shape[0]}",
            run="check that neither file was swapped for that of the other split",
        )
    return Pair(split, images, shape, labels)


def read(pair: Pair, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Blocks of images, uint8 (n, h, w, c), with their labels, uint8 (n,)."""
    start = 0
    for images in idx.read_images(pair.images, rows):
        labels = None if pair.labels is None else pair.labels[start : start + len(images)]
        start += len(images)
        yield images, labels
