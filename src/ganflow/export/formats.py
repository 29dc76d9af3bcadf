"""`ganflow export`: a file or a folder in the format of others, checked before it gets its name.

Each is read back as its reader would meet it: a fresh process, without this process's state, must
make the same pixels.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
import tensorflow as tf

from ganflow.base.errors import DataError
from ganflow.base.files import write_bytes, writing
from ganflow.export import model_card, web
from ganflow.export.origin import Origin
from ganflow.gan.saved import SavedGenerator, images_of, load_generator, to_pixels
from ganflow.marks import MARK_NAME, blank, identity, mark_zip, sealed

Format = Literal["card", "keras", "onnx", "saved_model", "web"]

KERAS_NAME = "generator.keras"
HALF = 127.5
"""Levels in a half of [−1, 1]."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its pixels were from the generator's, at most.

    Attributes:
        difference: of 255 levels.
        checked: what made the pixels.
    """

    path: Path
    difference: float
    checked: str


@dataclass(frozen=True)
class Writer:
    """A format.

    Attributes:
        write: from a model and a path that is free to what is read.
        suffix: of the file's name; empty for a folder.
        tolerance: how far a pixel of 256 levels may be off.
        floats: whether what is read back makes images in [−1, 1] and no pixels.
        samples: images made by both sides of the check.
    """

    write: Callable[[Origin, Path], Path]
    suffix: str = ""
    tolerance: float = 1  # another process may round the other way
    samples: int = 16
    floats: bool = False


def export(
    model: Path,
    target: Path,
    form: Format,
    commit: str | None = None,
    licence: str = model_card.UNKNOWN,
) -> Exported:
    """Write the generator in folder `model` to `target` in another format, and check it.

    Args:
        target: a file that ends in `.html` for `web`, else a folder. `keras` puts
            `generator.keras` into it, which `keras.saving.load_model` reads once
            `ganflow.gan.networks.layers` is imported; `saved_model` makes it `target/1`, the
            layout that TensorFlow Serving takes; `card` is a folder for a model hub.
        commit: the one that the model is of, None for the working tree. A card has its numbers.
        licence: of the data set, for a card.

    Raises:
        DataError: if there is something at `target`, if the model cannot be read, or if what was
            written makes other pixels.
        GanflowError: if the format has no place for one of the generator's layers.
    """
    writer = WRITERS[form]
    _check_target(target, form, writer.suffix)
    generator = load_generator(model)
    with _drafted(target) as draft:
        origin = Origin(model, generator, identity(model), commit, licence)
        path = writer.write(origin, draft)
        difference, checked = check(generator, path, form)
        if difference > writer.tolerance:
            raise DataError(
                f"the exported generator's pixels differ by up to {difference:.2g} of 255",
                where=str(target),
                expected=f"at most {writer.tolerance:.2g}",
                run="report this with the versions that `pip freeze` prints",
            )
    return Exported(target / path.relative_to(draft), difference, checked)


def _check_target(target: Path, form: Format, suffix: str) -> None:
    if target.suffix != suffix and suffix:
        raise DataError(
            f"the name of a file for {form} ends in {suffix}",
            where=str(target),
            expected=f"{target.name}{suffix}",
            run=f"ganflow export {form} {target}{suffix}",
        )
    if target.exists():
        raise DataError(
            "there is something here already, which an export would replace",
            where=str(target),
            expected=f"a {'file' if suffix else 'folder'} that does not exist yet",
            run=f"ganflow export {form} {target.with_name(f'{target.stem}-new{suffix}')}",
        )


@contextmanager
def _drafted(target: Path) -> Iterator[Path]:
    """A path for a file or a folder that becomes `target` when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        writing(target),
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as room,
    ):
        draft = Path(room) / target.name
        yield draft
        draft.rename(target)


def _write_keras(origin: Origin, target: Path) -> Path:
    path = target / KERAS_NAME
    target.mkdir()
    origin.generator.model.save(path)
    mark_zip(path, origin.identity)
    return path


def write_saved_model(origin: Origin, target: Path) -> Path:
    """Write a SavedModel: `latents`, and `labels` with classes, to `images` uint8 NHWC."""
    generator = origin.generator
    latents = tf.TensorSpec((None, generator.latent), tf.float32, name="latents")
    labels = tf.TensorSpec((None,), tf.int64, name="labels")
    holder = tf.Module()
    holder.model = generator.model  # so that its variables are saved

    @tf.function(input_signature=[latents, labels] if generator.classes else [latents])  # type: ignore[untyped-decorator]
    def serve(latents: tf.Tensor, labels: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        images = images_of(generator.model, generator.classes, latents, labels)
        return {"images": to_pixels(images)}

    path = target / "1"
    tf.saved_model.save(holder, str(path), signatures={"serving_default": serve})
    extra = path / "assets.extra"  # TensorFlow's place for the files of others
    extra.mkdir()
    write_bytes(extra / MARK_NAME, sealed(blank(origin.identity).encode()))
    return path


def _write_web(origin: Origin, target: Path) -> Path:
    web.write_page(origin.generator, target.stem, origin.identity, target)
    return target


def _write_onnx(origin: Origin, target: Path) -> Path:
    from ganflow.export.onnx_file import write_onnx

    write_onnx(origin.generator, origin.identity, target)
    return target


WRITERS: dict[Format, Writer] = {
    "card": Writer(model_card.write_folder),
    "keras": Writer(_write_keras),
    "onnx": Writer(_write_onnx, ".onnx", tolerance=1e-4 * HALF, samples=256, floats=True),
    "saved_model": Writer(write_saved_model),
    "web": Writer(_write_web, ".html", tolerance=2),
}


def check(generator: SavedGenerator, path: Path, form: Format) -> tuple[float, str]:
    """The largest difference of a pixel when a fresh process reads `path`, and what read it."""
    numbers = np.random.default_rng(0)
    writer = WRITERS[form]
    count = writer.samples
    latents = numbers.standard_normal((count, generator.latent), np.float32)
    labels = np.arange(count) % max(generator.classes, 1)
    if writer.floats:
        tensors = tf.constant(latents), tf.constant(labels)
        expected = HALF * np.asarray(images_of(generator.model, generator.classes, *tensors))
    else:
        expected = generator.images(latents, labels).astype(float)
    program = shutil.which("node") if form == "web" else sys.executable
    if program is None:
        found = web.in_half_precision(generator, latents, labels)
        return float(np.abs(found - expected).max()), "TensorFlow with weights in float16"
    page = resources.files("ganflow.export").joinpath("templates/check.js")
    reader = [str(page)] if form == "web" else ["-m", "ganflow.export.reading", form]
    question = {"latents": latents.tolist(), "labels": labels.tolist()}
    answer = subprocess.run(
        [program, *reader, str(path)],
        input=json.dumps(question).encode(),
        capture_output=True,
        check=False,
    )
    if answer.returncode:
        raise DataError(
            "a fresh process cannot load the exported generator: "
            + answer.stderr.decode(errors="replace").strip().splitlines()[-1],
            where=str(path),
            expected="a file that its reader reads back",
            run="report this with the versions that `pip freeze` prints",
        )
    levels: np.ndarray = np.frombuffer(answer.stdout, np.float32 if writer.floats else np.uint8)
    levels = levels[-expected.size :].reshape(expected.shape) * (HALF if writer.floats else 1.0)
    return float(np.abs(levels - expected).max()), f"a fresh process of {Path(program).name}"
