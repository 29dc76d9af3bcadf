"""Samples as the `sample` stage wrote them, checked before they are measured."""

from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import read_array
from ganflow.base.paths import PREPARED
from ganflow.base.store import Store


def read_samples(folder: Path, store: Store) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples (N, h, w, c) uint8 and, if they were made for labels, these (N,).

    Raises:
        DataError: naming the file, if it holds something else or one image over and over.
    """
    path = folder / "images.npy"
    images = read_array(path)
    if images.dtype.kind == "f" and (broken := int(np.count_nonzero(~np.isfinite(images)))):
        raise DataError(
            f"{broken} pixels that are no numbers",
            where=str(path),
            expected="uint8 images",
            run="dvc repro --force sample, after a training that did not diverge",
        )
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != store.shape:
        raise DataError(
            f"{images.dtype} of shape {images.shape}",
            where=str(path),
            expected=f"uint8 images of shape {store.shape}, as in {PREPARED}",
            run="dvc repro",
        )
    if len(images) and (images == images[0]).all():
        raise DataError(
            f"all {len(images)} images are the same",
            where=str(path),
            expected="samples of a generator that has not collapsed",
            run="train with other parameters, then dvc repro",
        )
    labels_path = folder / "labels.npy"
    if not labels_path.exists():
        return images, None
    return images, _read_labels(labels_path, len(images), len(store.classes))


def _read_labels(path: Path, count: int, known: int) -> np.ndarray:
    labels = np.asarray(read_array(path))
    if labels.dtype != np.int64 or labels.shape != (count,):
        raise DataError(
            f"{labels.dtype} of shape {labels.shape} for {count} samples",
            where=str(path),
            expected=f"int64 of shape ({count},)",
            run="dvc repro --force sample",
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < known:
        outside = int(np.count_nonzero((labels < 0) | (labels >= known)))
        raise DataError(
            f"{outside} labels from {labels.min()} to {labels.max()} are no classes of the data",
            where=str(path),
            expected=f"0 to {known - 1}" if known else "no labels: the data has none",
            run="dvc repro",
        )
    return labels
