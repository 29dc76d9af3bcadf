"""The files of `ganflow generate`: a folder of PNGs, an array file, or a grid."""

import io
from pathlib import Path

import numpy as np

from ganflow.api import show
from ganflow.base.errors import DataError, GanflowError
from ganflow.base.files import whole_folder, write_bytes
from ganflow.base.images import png
from ganflow.base.paths import MODEL, state_folder
from ganflow.marks import marked_png, marked_zip
from ganflow.versions.models import model_at


def check_target(target: Path) -> None:
    """Refuse a place where something is.

    Raises:
        DataError: there is a file, or a folder that is not empty.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(
            "there is something here already, which the images would replace",
            where=str(target),
            expected="a folder that is new or empty, or a new file that ends in .npz or .png",
            run=f"rm -r {target}, if it is not needed, or generate into another place",
        )


def model_folder(name: str | None) -> Path:
    """The folder of a model: the project's own, the one called `name`, or that of a git revision.

    Raises:
        GanflowError: there is neither such a folder nor such a revision.
    """
    if name is None or Path(name).is_dir():
        return MODEL if name is None else Path(name)
    try:
        return model_at(name, Path.cwd(), state_folder())
    except GanflowError as error:
        error.expected = f"{error.expected}; or a folder with a model"
        raise


def write_images(
    target: Path, images: np.ndarray, labels: np.ndarray | None, identity: str
) -> None:
    """Write uint8 images (N, H, W, C) in the form that the name of `target` says.

    Args:
        labels: the names of their classes (N,), which the array file has too.
        identity: of the model, as `ganflow.marks.identity` gives it, for `ganflow provenance`.
    """
    if target.suffix == ".npz":
        arrays = {"images": images, **({} if labels is None else {"labels": labels})}
        packed = io.BytesIO()
        np.savez(packed, **arrays)  # type: ignore[arg-type]
        write_bytes(target, marked_zip(packed.getvalue(), identity))
    elif target.suffix == ".png":
        write_bytes(target, marked_png(png(np.asarray(show(images))), identity))
    else:
        digits = len(str(len(images) - 1))
        with whole_folder(target.resolve()) as folder:
            for place, image in enumerate(images):
                path = folder / f"{place:0{digits}d}.png"
                write_bytes(path, marked_png(png(image), identity))
