"""Judge the samples: metrics.json for a reviewer, detail.json for the rest, plots to look at."""

import csv
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.errors import DataError
from ganflow.base.files import read_array, sha256_of, whole_folder, write_json, write_text
from ganflow.base.images import image_grid, write_png
from ganflow.base.paths import EVALUATION, EXTRACTOR, PREPARED, RAW, SAMPLES
from ganflow.base.progress import progress
from ganflow.base.runtime import Runtime, configure, has_bfloat16, threads
from ganflow.base.store import Split, Store, open_store
from ganflow.config.evaluation import Evaluation
from ganflow.features.classifier import Lessons, epochs_for
from ganflow.features.extractor import TURNS, Extractor, load_extractor
from ganflow.features.neighbours import nearest_few
from ganflow.metrics.doubts import of_the_extractor
from ganflow.metrics.fresh_classifiers import accuracy_score, two_sample
from ganflow.metrics.inception import Inception, weights_file
from ganflow.metrics.suite import (
    FAMILIES,
    Findings,
    Plan,
    Seen,
    inception_distance,
    measure,
    second_opinion,
)

PLANS = {"quick": (10_000, 200), "full": (50_000, 1_000)}  # samples, bootstrap resamples
MODES = 26_000  # samples whose modes are counted in the full profile (Srivastava et al. 2017)
DIGITS = 6  # significant, of every number that is written
SECOND_TRAIN = 20_000
SHOWN = 100
PAGE_ROWS, PAGE_NEIGHBOURS = 10, 5


def run(runtime: Runtime, evaluation: Evaluation) -> None:
    """Every random choice in here is fixed, so that equal samples get equal numbers."""
    configure(runtime)
    store = open_store(PREPARED)
    samples, labels = read_samples(SAMPLES, store)
    count, resamples = PLANS[evaluation.profile]
    if len(samples) < count:
        raise DataError(
            f"{len(samples)} samples",
            where=str(SAMPLES / "images.npy"),
            expected=f"at least {count}, which evaluation.profile {evaluation.profile} judges",
            run=f"set sample.images to {count} or more in params.yaml, then dvc repro",
        )
    samples, labels = samples[:count], None if labels is None else labels[:count]
    train, validation, test = (store.split(name) for name in ("train", "validation", "test"))
    first, second = (_extractor(folder, store) for folder in (EXTRACTOR, EXTRACTOR / "second"))
    hashes = [first.card["sha256"], second.card["sha256"]]
    inception = None
    if evaluation.features == "inception":
        weights = weights_file(RAW / "inception", evaluation.inception_weights)
        inception = Inception(weights)
        hashes.append(sha256_of(weights))
    modes = MODES if evaluation.profile == "full" else 0
    plan = Plan(count, resamples, evaluation.baseline_draws, threads(runtime), modes)

    with progress("evaluate", FAMILIES + 4, "steps") as shown:
        generated = see(first, samples, labels)
        real = see(first, train.images, train.labels)
        shown.advance()
        findings = measure(
            generated,
            real,
            see(first, validation.images, validation.labels),
            see(first, test.images, test.labels),
            plan,
            shown.advance,
        )
        findings.doubt(of_the_extractor(first.card, test.labels, TURNS))
        part = np.sort(
            np.random.default_rng(0).permutation(len(train.images))[: max(SECOND_TRAIN, count)]
        )
        second_opinion(
            findings,
            second.describe(samples).features,
            second.describe(train.images[part]).features,
            second.describe(test.images).features,
        )
        if inception is not None:
            inception_distance(
                findings,
                inception.describe(samples),
                inception.describe(train.images[part]),
                inception.describe(test.images),
                plan,
            )
        shown.advance()
        if evaluation.profile == "full":
            _ask_fresh_classifiers(findings, samples, labels, train, test, store)
        shown.advance()
        with whole_folder(EVALUATION) as folder:
            _write(folder, findings, store, evaluation, evaluator_id(hashes, test))
            _draw(folder / "plots", findings, samples, labels, generated, train, real)
        shown.advance()
    for family, numbers in findings.metrics.items():
        told = (_told(findings.detail[family], name, value) for name, value in numbers.items())
        print(f"{family}: " + ", ".join(told))
    for doubt in findings.detail.get("doubts", []):
        print(f"doubt: {doubt}")


def _told(detail: Mapping[str, Any], name: str, value: float) -> str:
    """A number as it is printed: with its interval, where it has one of its own."""
    bounds = detail.get("interval" if name == "value" else f"{name}_interval")
    return f"{name} {value:.4g}" + ("" if bounds is None else " ({:.3g} to {:.3g})".format(*bounds))


def _ask_fresh_classifiers(
    findings: Findings,
    samples: np.ndarray,
    labels: np.ndarray | None,
    train: Split,
    test: Split,
    store: Store,
) -> None:
    lessons = Lessons(
        seed=0,
        epochs=epochs_for(min(len(samples), len(train.images))),
        batch=128,
        learning_rate=0.002,
        bfloat16=has_bfloat16(),
    )
    told = two_sample(samples, train.images, test.images, lessons)
    findings.metrics["c2st"] = {"accuracy": told.accuracy}
    findings.detail["c2st"] = {
        "accuracy": told.accuracy,
        "accuracy_interval": told.interval.bounds,
        "held_out": told.held_out,
        "epochs": lessons.epochs,
        "method": "held-out accuracy of a fresh classifier between real and generated; 0.5 is "
        "ideal; Wilson's interval",
    }
    if labels is None or train.labels is None or test.labels is None:
        findings.leave_out("cas", "it needs samples with labels")
        return
    score = accuracy_score(
        (samples, labels),
        (train.images, train.labels),
        (test.images, test.labels),
        store.classes,
        lessons,
    )
    findings.metrics["cas"] = {"ratio": score.ratio}
    findings.detail["cas"] = {
        "ratio": score.ratio,
        "ratio_interval": score.interval.bounds,
        "from_samples": list(score.from_samples),
        "from_real": list(score.from_real),
        "epochs": lessons.epochs,
        "method": "accuracy on the test split of classifiers trained on samples, over that of "
        "ones trained on as many real images; Student's interval over three seeds",
    }


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
    labels = np.asarray(read_array(labels_path))
    if labels.dtype != np.int64 or labels.shape != (len(images),):
        raise DataError(
            f"{labels.dtype} of shape {labels.shape} for {len(images)} samples",
            where=str(labels_path),
            expected=f"int64 of shape ({len(images)},)",
            run="dvc repro --force sample",
        )
    known = len(store.classes)
    if len(labels) and not 0 <= labels.min() <= labels.max() < known:
        outside = int(np.count_nonzero((labels < 0) | (labels >= known)))
        raise DataError(
            f"{outside} labels from {labels.min()} to {labels.max()} are no classes of the data",
            where=str(labels_path),
            expected=f"0 to {known - 1}" if known else "no labels: the data has none",
            run="dvc repro",
        )
    return images, labels


def _extractor(folder: Path, store: Store) -> Extractor:
    extractor = load_extractor(folder)
    if extractor.card["source"] != store.card["sha256"]:
        raise DataError(
            f"this extractor was trained on data {extractor.card['source'][:12]}…",
            where=str(folder),
            expected=f"the prepared data, {store.card['sha256'][:12]}…",
            run="dvc repro extractor",
        )
    return extractor


def see(extractor: Extractor, images: np.ndarray, labels: np.ndarray | None) -> Seen:
    """Images as this extractor sees them; logits only where they stand for classes."""
    found = extractor.describe(images)
    return Seen(found.features, found.logits if extractor.classes else None, labels)


def evaluator_id(hashes: list[str], test: Split) -> str:
    """Sixteen hex digits that change with these weights' hashes or with the test split."""
    digest = hashlib.sha256("\n".join(hashes).encode())
    digest.update(np.ascontiguousarray(test.images).data)
    if test.labels is not None:
        digest.update(np.ascontiguousarray(test.labels).data)
    return digest.hexdigest()[:16]


def _write(
    folder: Path, findings: Findings, store: Store, evaluation: Evaluation, evaluator: str
) -> None:
    names = {"profile": evaluation.profile, "evaluator": evaluator}
    write_json(folder / "metrics.json", {**_rounded(findings.metrics), **names})
    write_json(folder / "detail.json", {**_rounded(findings.detail), **names})
    plots = folder / "plots"
    for name, rows in findings.tables.items():
        if name == "classes":
            rows = [{**row, "class": store.classes[row["class"]]} for row in rows]
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(_rounded(rows))
        write_text(plots / f"{name}.csv", text.getvalue())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _draw(
    folder: Path,
    findings: Findings,
    samples: np.ndarray,
    labels: np.ndarray | None,
    generated: Seen,
    train: Split,
    real: Seen,
) -> None:
    """`samples.png`, a row for each class if they have any; `neighbours.png`, each row a sample
    and the training images most like it: first the samples nearest to any, then the first ones."""
    write_png(
        folder / "samples.png", image_grid(np.asarray(samples[_shown(labels, len(samples))]), 10)
    )
    if findings.memorization is None:
        return
    closest = np.argsort(findings.memorization.distances, kind="stable")[:PAGE_ROWS]
    rows = np.concatenate([closest, np.arange(PAGE_ROWS)])
    alike = nearest_few(generated.features[rows], real.features, PAGE_NEIGHBOURS)
    page = [
        image
        for row, near in zip(rows, alike, strict=True)
        for image in (
            samples[row],
            np.full_like(samples[row], 128),
            *train.images[np.sort(near)][np.argsort(np.argsort(near))],
        )
    ]
    write_png(folder / "neighbours.png", image_grid(np.stack(page), 2 + PAGE_NEIGHBOURS))


def _shown(labels: np.ndarray | None, count: int) -> np.ndarray:
    """The first hundred samples, sorted by label where there are up to ten of these."""
    rows = np.arange(min(SHOWN, count))
    if labels is None or labels.max() >= 10:
        return rows
    kinds = np.unique(labels)
    each = SHOWN // len(kinds)
    return np.concatenate([np.flatnonzero(labels == kind)[:each] for kind in kinds])
