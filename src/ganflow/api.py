"""ganflow in Python: `fit`, `load`, `measure` and `show`, without a project around them.

They call what the stages call. TensorFlow is imported when the first of them needs it.
"""

import logging
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganflow.base.dotted import parts_of, value_at
from ganflow.base.environment import pin
from ganflow.base.errors import DataError, GanflowError, ParameterError
from ganflow.base.files import reading, whole_folder, write_bytes
from ganflow.base.images import image_grid, picture
from ganflow.base.paths import EXTRACTOR, MODEL_FILES, PREPARED
from ganflow.base.progress import progress
from ganflow.base.runtime import RuntimeParams, configure, quiet_start
from ganflow.base.store import Store, open_store
from ganflow.config.params import Params, check
from ganflow.data.prepare import prepare
from ganflow.given import indices_of, read_pictures, source_of
from ganflow.report.summary import doubts, summarise

if TYPE_CHECKING:
    import keras

    from ganflow.gan.defaults import Choice
    from ganflow.gan.fitting import TrainingSetup
    from ganflow.gan.workers import Workers
    from ganflow.metrics.sample_evaluation import Evaluator

LOGGER = logging.getLogger(__name__)

Images = npt.ArrayLike | str | os.PathLike[str]
"""Arrays of images, or where they are: a folder, an archive or array files."""

FEWEST = 2
"""Samples that a distance needs."""


class Model:
    """A trained generator.

    Attributes:
        card: what is known of its training: parameters, choices, versions, the kept snapshot.
        classes: names of the classes that steer it; empty if it is unconditional.
        shape: height, width and channels of an image.
        extractor: what measured its snapshots, for `measure`; None after `load`.
    """

    def __init__(self, folder: Path, extractor: "Evaluator | None" = None) -> None:
        from ganflow.gan.saved import load_generator

        self.extractor = extractor
        self._files = {}
        for name in MODEL_FILES:
            with reading(folder / name, "a file of a model"):
                self._files[name] = (folder / name).read_bytes()
        try:
            self._generator = load_generator(folder)
            self.card: dict[str, Any] = self._generator.card
            self.classes = tuple(self.card["class_names"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the model cannot be read: {type(error).__name__}: {error}",
                where=str(folder),
                expected="a folder as Model.save or the stage train writes it",
            ) from error
        self.shape = self._generator.shape

    def __repr__(self) -> str:
        height, width, channels = self.shape
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"<ganflow model: {width} × {height} × {channels}{classes}>"

    def sample(
        self,
        count: int,
        labels: npt.ArrayLike | None = None,
        seed: int = 0,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Make images; the same arguments give the same images.

        Args:
            labels: a class for each image, by name, or by position in `classes` where no name is a
                number; None draws classes as frequent as in the training images.
            truncation: above 0, at most 1; less trades variety for likeness.

        Returns:
            uint8 (count, height, width, channels). With the parameters of the stage `sample`, these
            are its images.

        Raises:
            ParameterError: an argument that is out of range, or a class that is not there.
        """
        return self.labelled_sample(count, labels, seed, truncation)[0]

    def labelled_sample(
        self,
        count: int,
        labels: npt.ArrayLike | None = None,
        seed: int = 0,
        truncation: float = 1.0,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The images of `sample`, and the names of their classes (count,); None without classes."""
        from ganflow.gan.sampling import sample

        allowed = (
            ("count", count, isinstance(count, int) and count > 0, "a whole number from 1"),
            ("seed", seed, isinstance(seed, int) and 0 <= seed < 2**31, "a whole number from 0"),
            ("truncation", truncation, 0 < truncation <= 1, "above 0, at most 1"),
        )
        for name, value, right, expected in allowed:
            if not right:
                raise ParameterError(f"{name}: {value!r} is not allowed", expected=expected)
        asked = None if labels is None else indices_of(labels, self.classes, count)
        images, drawn = sample(self._generator, count, seed, truncation, asked)
        return images, None if drawn is None else np.array(self.classes)[drawn]

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model: `generator.safetensors`, `discriminator.safetensors` and `card.json`.

        They are the files of the stage's `data/model`. A model that is there is replaced.

        Raises:
            DataError: there is something else.
        """
        target = Path(folder).resolve()
        if target.exists() and not (target.is_dir() and _names_in(target) <= set(MODEL_FILES)):
            raise DataError(
                "there is something else here already, which a model would replace",
                where=str(target),
                expected="a folder that is new, empty, or holds a model alone",
            )
        with whole_folder(target) as written:
            for name, content in self._files.items():
                write_bytes(written / name, content)


def load(folder: str | os.PathLike[str]) -> Model:
    """Read a model that `Model.save` or the stage `train` wrote.

    Raises:
        DataError: a file is missing or damaged.
    """
    path = Path(folder)
    if not (path / "card.json").is_file():
        raise DataError(
            "there is no model here",
            where=str(path),
            expected=f"a folder with {', '.join(MODEL_FILES)}",
            run="dvc repro train, or dvc checkout, if it is a project's data/model",
        )
    _start(RuntimeParams())
    return Model(path)


def fit(
    images: Images,
    labels: npt.ArrayLike | None = None,
    *,
    minutes: float | None = None,
    seed: int = 0,
    params: Mapping[str, Any] | None = None,
    start: str | os.PathLike[str] | None = None,
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
) -> Model:
    """Train a generator, as the stages `prepare`, `extractor` and `train` do.

    In a fresh process, the same data, parameters and seed give the same bytes as these stages.
    What the images do not say (range, layout, labels) is inferred from all of them and printed.

    Args:
        images: numbers (N, H, W), (N, H, W, 1 or 3), (N, 1 or 3, H, W) or (N, pixels); or the path
            of a folder of pictures, an archive, or array files. 8 to 128 pixels a side are kept.
        labels: (N,), whole numbers or text, or one-hot rows; None without, and for a path.
        minutes: how long all of it may take: decides `train.images`, once, by the time that a few
            steps take, which the model's card then says.
        seed: of everything random but the extractor.
        params: values of params.yaml, with dotted keys (`{"train.batch": 32}`) or in sections;
            what is left out is the default. Names of functions of your own are of files in the
            current folder.
        start: the folder of a model whose networks the training starts from; None for random ones.
        callbacks: of Keras. `on_train_batch_end` comes after every block of up to 50 steps, with
            `images` seen and the losses in `logs`, and `on_epoch_end` after every snapshot, with
            its distance `fd` too. `model` is the averaged generator, and `model.stop_training`
            ends the training with a last snapshot.

    Raises:
        DataError: images or labels that cannot be used.
        ParameterError: a parameter or an argument that is wrong.
        TrainingError: the training diverged before its first snapshot.
    """
    since = time.monotonic()
    values = _values(params, seed)
    _check_arguments(minutes, values, callbacks)
    sections = check(values, Path("params"))
    with _workplace() as folder:
        store = _prepared(images, labels, sections, folder)
        _pin()
        with quiet_start():
            from ganflow.gan import fitting
            from ganflow.gan.results import write_model
            from ganflow.gan.workers import start_workers
            from ganflow.live.callback import LiveLog
        workers = start_workers(sections.runtime, sections.train, strict=False)
        with LiveLog("extractor") as log:
            extractor = _trained_extractor(store, sections, folder, [log])
            setup, choices = _setup(store, sections, workers, extractor, start)
            if minutes is not None:
                setup, choices["images"] = fitting.within(setup, extractor.first, minutes, since)
            trainer, history, shares = fitting.fit(
                setup, extractor.first, callbacks=[*callbacks, log]
            )
        write_model(folder / "model", trainer, history, choices, store.classes, shares)
        return Model(folder / "model", extractor)


def _setup(
    store: Store,
    sections: Params,
    workers: "Workers",
    extractor: "Evaluator",
    start: str | os.PathLike[str] | None,
) -> "tuple[TrainingSetup, dict[str, Choice]]":
    """The setup of a training, and what was chosen for `auto`."""
    from ganflow.gan.fitting import TrainingSetup, chosen

    train, choices = chosen(sections.train, store, extractor.first.card)
    setup = TrainingSetup(
        sections.seed, sections.runtime, sections.model, train, store, workers
    ).with_own_code(Path.cwd())
    if start is None and train.start != "none":
        start = train.start
    if start is None:
        return setup, choices
    try:
        return setup.with_start(Path(start)), choices
    except DataError as error:
        error.run = "fit without start, or with another model"
        raise


@dataclass(frozen=True, repr=False)
class Measurement:
    """The metrics of samples, beside those of real images in their place.

    Attributes:
        metrics: as the stage's metrics.json has them.
        detail: intervals, baselines, methods and doubts, as detail.json has them.
    """

    metrics: dict[str, Any]
    detail: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """`metrics` and `detail`, as JSON values."""
        return {"metrics": self.metrics, "detail": self.detail}

    def __str__(self) -> str:
        """A line for each metric, for each that the images are too few for, and for each doubt."""
        found = summarise(self.metrics, self.detail).findings
        rows = [("", "samples", "95 % interval", "real images")]
        rows += [(one.name, one.value, one.interval, one.baseline) for one in found]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        left_out = self.detail.get("left_out", {})
        lines += [f"left out: {family}: {why}" for family, why in left_out.items()]
        lines += [f"doubt: {doubt}" for doubt in doubts(self.detail)]
        return "\n".join(lines).replace("\u00a0", " ")

    __repr__ = __str__


def measure(
    generated: Images,
    real: Images,
    *,
    labels: npt.ArrayLike | None = None,
    real_labels: npt.ArrayLike | None = None,
    extractor: "Evaluator | None" = None,
    params: Mapping[str, Any] | None = None,
    resize: bool = False,
) -> Measurement:
    """Measure any generator's images against real ones, as the stage `evaluate` does.

    The real images are split as `fit` splits them: two classifiers learn from the training split,
    and their features of the samples are compared with those of the test split. Features of
    Inception are left to the stage.

    Args:
        generated: uint8 (N, H, W, C), or other images as in `fit`; 10,000 are usual, of more
            some are drawn.
        real: as in `fit`.
        labels: (N,), the class that each sample was made for; those of a folder are there.
        real_labels: as in `fit`.
        extractor: a model's `extractor`, fitted on the same real images and labels with the same
            `params`; None trains one.
        params: as in `fit`: `data`, `extractor`, `evaluation` and `runtime` are used.
        resize: whether samples of another size are resized, which changes every distance.

    Raises:
        DataError: images or labels that cannot be used, or do not fit each other.
        ParameterError: a parameter that is wrong.
    """
    sections = check(_values(params), Path("params"))
    with _workplace() as folder:
        store = _prepared(real, real_labels, sections, folder)
        samples = read_pictures(generated, labels, store, folder / "generated", resize)
        _start(sections.runtime)
        if extractor is None:
            extractor = _trained_extractor(store, sections, folder)
        _check_same_data(extractor, store)
        return _measured(*samples, store, extractor, sections)


def measure_in_project(generated: Images, params: Params) -> Measurement:
    """Measure any generator's images with the prepared data and the extractors of this project.

    Raises:
        DataError: as `measure`, or a stage has not run.
    """
    with _workplace() as folder:
        store = open_store(PREPARED)
        samples = read_pictures(generated, None, store, folder / "generated")
        _start(params.runtime)
        extractor = _load_extractor(EXTRACTOR, store)
        return _measured(*samples, store, extractor, params)


def show(images: npt.ArrayLike, columns: int | None = None) -> Image.Image:
    """Lay images out in a grid, which a notebook shows.

    Args:
        images: uint8 (N, H, W, C), (N, H, W), or one image (H, W, C); small ones are enlarged.
        columns: images in a row; None makes the grid about square.

    Raises:
        DataError: images of another type or shape.
        ParameterError: not one column.
    """
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[None] if array.shape[2] in (1, 3, 4) else array[..., None]
    if array.dtype != np.uint8 or array.ndim != 4 or not array.size or array.shape[3] > 4:
        raise DataError(
            f"{array.dtype} of shape {array.shape}",
            expected="uint8 images (N, height, width, 1, 3 or 4), black 0 and white 255",
            run="(255 * images).astype('uint8') if they are between 0 and 1",
        )
    columns = math.ceil(math.sqrt(len(array))) if columns is None else columns
    if not isinstance(columns, int) or columns < 1:
        raise ParameterError(f"columns: {columns!r}", expected="a whole number from 1")
    scale = max(1, 64 // max(array.shape[1:3]))
    return picture(image_grid(array, min(columns, len(array)), scale))


def _values(params: Mapping[str, Any] | None, seed: int | None = None) -> dict[str, Any]:
    """Parameters in sections, from dotted keys or sections."""
    values: dict[str, Any] = {}
    for key, value in (params or {}).items():
        *sections, name = parts_of(str(key))
        place = values
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ParameterError(f"params: {section} is both a value and a section")
        before = place.get(name)
        if isinstance(value, Mapping):
            value = {**(before if isinstance(before, dict) else {}), **value}
        place[name] = value
    if seed is not None and values.setdefault("seed", seed) != seed:
        raise ParameterError(
            f"seed: {seed}, and params has the seed {values['seed']!r}",
            expected="one seed",
            run="leave it out of params",
        )
    return values


def _check_arguments(minutes: float | None, values: Mapping[str, Any], callbacks: Any) -> None:
    if minutes is not None:
        number = isinstance(minutes, int | float) and not isinstance(minutes, bool)
        if not number or not 0 < minutes < math.inf:
            raise ParameterError(
                f"minutes: {minutes!r} is not allowed", expected="a number above 0"
            )
        if value_at(values, ("train", "images")) is not None:
            raise ParameterError(
                "minutes and train.images both say how long the training is",
                where="the arguments of fit",
                expected="one of them",
            )
    if not isinstance(callbacks, list | tuple) or not all(
        hasattr(one, "set_model") for one in callbacks
    ):
        raise ParameterError(
            f"callbacks: {callbacks!r}", expected="a list of keras.callbacks.Callback"
        )


@contextmanager
def _workplace() -> Iterator[Path]:
    """A temporary folder; an error about it or about params.yaml is put in the caller's words."""
    with tempfile.TemporaryDirectory(prefix="ganflow-") as name:
        try:
            yield Path(name)
        except GanflowError as error:
            if error.where and name in error.where:
                error.where = "the arrays"
            run = re.sub(r",? (then|and look at it with) .*", "", error.run or "")
            if run.startswith(("dvc ", "ganflow ")) and error.where in (None, "the arrays"):
                run = ""
            error.run = run.replace("in params.yaml", "in `params`") or None
            raise


def _pin() -> None:
    """Fix what the environment sets, or say what it has set before."""
    home = os.environ.get("KERAS_HOME")
    if {"keras", "tensorflow"} & sys.modules.keys():
        if found := pin({name: v for name, v in os.environ.items() if name != "KERAS_HOME"}):
            LOGGER.warning(
                "TensorFlow was imported with %s, which may shape a result", ", ".join(found)
            )
        return
    if unused := pin():
        LOGGER.warning("not used, as it may shape a result: %s", ", ".join(unused))
    # Keras keeps its own data sets there; what its keras.json sets is checked.
    del os.environ["KERAS_HOME"]
    if home is not None:
        os.environ["KERAS_HOME"] = home


def _start(runtime: RuntimeParams) -> None:
    """Set up TensorFlow, also in a process that has used it."""
    _pin()
    configure(runtime, strict=False)


def _prepared(
    images: Images, labels: npt.ArrayLike | None, sections: Params, folder: Path
) -> Store:
    """The store of these images, and a printed line for everything that was inferred."""
    source = source_of(images, labels, folder / "given")
    data = sections.data.model_copy(update={"source": source.name})
    (folder / "prepared").mkdir()
    # In this process: others would import the caller's script again.
    for inference in prepare(data, source.parent, folder / "prepared", workers=0):
        print(inference, flush=True)
    return open_store(folder / "prepared")


def _trained_extractor(
    store: Store,
    sections: Params,
    folder: Path,
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
) -> "Evaluator":
    from ganflow.features.evaluators import train_extractors

    train_extractors(store, sections.extractor, folder / "extractor", callbacks)
    return _load_extractor(folder / "extractor", store)


def _load_extractor(folder: Path, store: Store) -> "Evaluator":
    from ganflow.features.evaluators import SECOND
    from ganflow.features.extractor import load_extractor
    from ganflow.metrics.sample_evaluation import Evaluator

    source = store.card["sha256"]
    return Evaluator(load_extractor(folder, source), load_extractor(folder / SECOND, source))


def _check_same_data(extractor: "Evaluator", store: Store) -> None:
    card = extractor.first.card
    found = card["source"], card["images"]
    if found != (store.card["sha256"], store.card["splits"]["train"]):
        raise DataError(
            "this extractor was trained on other images, or on another part of them",
            where="the argument extractor",
            expected="the real images, labels and params that the model was fitted with",
            run="measure without extractor, which trains one",
        )


def _measured(
    samples: np.ndarray,
    labels: np.ndarray | None,
    store: Store,
    extractor: "Evaluator",
    sections: Params,
) -> Measurement:
    """The metrics of samples, of which at most as many as the profile judges are drawn."""
    from ganflow.features.planted_faults import passes_test
    from ganflow.metrics.doubts import of_few_samples
    from ganflow.metrics.results import evaluator_id, rounded
    from ganflow.metrics.sample_evaluation import STEPS, evaluate_samples
    from ganflow.stages.evaluate import PLANS, plan_for

    if len(samples) < FEWEST:
        raise DataError(f"{len(samples)} samples", expected="10,000, or as many as there are")
    usual, _ = PLANS[sections.evaluation.profile]
    # In random order: files and arrays are often sorted by class, and a part is judged of many.
    order = np.random.default_rng(0).permutation(len(samples))[:usual]
    plan = plan_for(sections.evaluation, sections.runtime, len(order))
    with progress("measure", STEPS, "steps") as shown:
        findings, _, _ = evaluate_samples(
            extractor,
            samples[order],
            None if labels is None else labels[order],
            store,
            plan,
            sections.evaluation.profile == "full",
            shown.advance,
        )
    findings.doubt(of_few_samples(len(order), usual))
    for one in findings.detail["failures"]["weakest"]:
        one["sample"] = int(order[one["sample"]])
    cards = extractor.first.card, extractor.second.card
    names = {
        "profile": sections.evaluation.profile,
        "evaluator": evaluator_id([card["sha256"] for card in cards], store.split("test")),
        "evaluator_test": "passed" if all(map(passes_test, cards)) else "failed",
    }
    return Measurement(
        {**rounded(findings.metrics), **names}, {**rounded(findings.detail), **names}
    )


def _names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
