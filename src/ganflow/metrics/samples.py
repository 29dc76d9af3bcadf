"""The samples to evaluate, as the stage `sample` wrote them."""

from pathlib import Path

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import read_array
from ganflow.base.store import Store


def read_samples(folder: Path, store: Store, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The first `count` samples, uint8 (count, H, W, C), and the labels (count,) if there are any.

    Raises:
        DataError: there are fewer samples, all of them are equal, or they do not fit the data.
    """
    path = folder / "images.npy"
    images = _checked_images(path, read_array(path), store)
    labels_path = folder / "labels.npy"
    labels = None
    if labels_path.exists():
        labels = np.asarray(read_array(labels_path))
        _check_labels(labels_path, labels, len(images), len(store.classes))
    if len(images) < count:
        raise DataError(
            f"{len(images)} samples",
            where=str(path),
            expected=f"at least {count}, which the evaluation.profile needs",
            run=f"set sample.images to {count} or more in params.yaml, then dvc repro",
        )
    return images[:count], None if labels is None else labels[:count]


def _checked_images(path: Path, images: np.ndarray, store: Store) -> np.ndarray:
    if images.dtype.kind == "f" and (broken := int(np.count_nonzero(~np.isfinite(images)))):
        raise DataError(
            f"{broken} pixels that are not finite",
            where=str(path),
            expected="uint8 images",
            run="dvc repro --force sample, after a training that did not diverge",
        )
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != store.shape:
        raise DataError(
            f"{images.dtype} of shape {images.shape}",
            where=str(path),
            expected=f"uint8 images of shape {store.shape}, as in the prepared data",
            run="dvc repro",
        )
    if len(images) and (images == images[0]).all():
        raise DataError(
            f"all {len(images)} images are the same",
            where=str(path),
            expected="samples of a generator that has not collapsed",
            run="train with other parameters, then dvc repro",
        )
    return images


def _check_labels(path: Path, labels: np.ndarray, samples: int, classes: int) -> None:
    if labels.dtype != np.int64 or labels.shape != (samples,):
        raise DataError(
            f"{labels.dtype} of shape {labels.shape} for {samples} samples",
            where=str(path),
            expected=f"int64 of shape ({samples},)",
            run="dvc repro --force sample",
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        outside = int(np.count_nonzero((labels < 0) | (labels >= classes)))
        raise DataError(
            f"{outside} labels from {labels.min()} to {labels.max()} are not classes of the data",
            where=str(path),
            expected=f"0 to {classes - 1}" if classes else "no labels: the data has none",
            run="dvc repro",
        )
