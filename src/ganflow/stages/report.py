"""Write the report: one self-contained page on everything the pipeline made."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.files import read_array, read_json, whole_folder, write_text
from ganflow.base.paths import EVALUATION, EXTRACTOR, MODEL, PREPARED, REPORT, SAMPLES, TRAINING
from ganflow.base.progress import progress
from ganflow.base.runtime import Runtime, configure
from ganflow.base.section import Section
from ganflow.base.store import SPLITS, Store, open_store
from ganflow.config.data import Data
from ganflow.config.evaluation import Evaluation
from ganflow.config.extractor import Extractor
from ganflow.config.model import Model
from ganflow.config.report import Report
from ganflow.config.sample import Sample
from ganflow.config.train import Train
from ganflow.features.extractor import load_extractor
from ganflow.gan.saved import load_generator
from ganflow.report import compose
from ganflow.report.embed import show_grid
from ganflow.report.growth import growth, write_animation
from ganflow.report.page import Page, Provenance, Table, render
from ganflow.report.sources import digest, versions
from ganflow.report.summary import judge

JUDGED = 10_000
"""Samples that the extractor reads for the section on failures."""

COMMANDS = (
    ("make run", "installs everything, runs every stage whose inputs changed, shows this page"),
    ("dvc repro", "the same without the workflow's server"),
    ("dvc repro --force", "runs every stage again; the bytes stay the same"),
    ("dvc metrics diff", "what a change of parameters did to the numbers"),
    ("ganflow studio", "opens this generator to play with"),
)


def run(
    seed: int,
    runtime: Runtime,
    data: Data,
    extractor: Extractor,
    model: Model,
    train: Train,
    sample: Sample,
    evaluation: Evaluation,
    report: Report,
) -> None:
    configure(runtime)
    store = open_store(PREPARED)
    real, unseen = store.split("train"), store.split("validation")
    samples, labels = read_array(SAMPLES / "images.npy"), _labels(SAMPLES / "labels.npy")
    metrics = read_json(EVALUATION / "metrics.json")
    draw = np.random.default_rng(seed)
    judged = np.asarray(samples[:JUDGED])
    asked = None if labels is None else labels[:JUDGED]
    shown = min(report.samples, len(samples))
    verdict = judge(metrics, _optional(EVALUATION / "detail.json"))
    with progress("report", 5, "sections") as done:
        pairs = compose.pairs((real.images, real.labels), (samples, labels), store.classes, draw)
        done.advance()
        grown = growth(TRAINING, verdict.baseline)
        done.advance()
        generator = load_generator(MODEL)
        varied = compose.variation(generator, store.classes, sample.truncation, draw)
        done.advance()
        copies = compose.copying(judged, real.images, unseen.images, report.neighbours)
        done.advance()
        logits = load_extractor(EXTRACTOR).describe(judged).logits
        failed = compose.failures(judged, asked, logits, store.classes)
        done.advance()
    page = Page(
        title=report.title,
        subtitle=_subtitle(store),
        samples=show_grid(samples[:shown], _columns(shown), f"{shown} generated images."),
        samples_shown=f"The first {shown} of {len(samples):,} samples; none was picked by hand.",
        verdict=verdict,
        pairs=pairs,
        growth=grown,
        variation=varied,
        copying=copies,
        failures=failed,
        classes=store.classes,
        data=compose.data_card(store.card),
        class_counts=_class_counts(store),
        splits=SPLITS,
        provenance=Provenance(
            parameters=_parameters(
                seed,
                runtime=runtime,
                data=data,
                extractor=extractor,
                model=model,
                train=train,
                sample=sample,
                evaluation=evaluation,
                report=report,
            ),
            cards=(
                ("Model card", compose.table(_optional(MODEL / "card.json"))),
                ("Extractor card", compose.table(_optional(EXTRACTOR / "card.json"))),
            ),
            versions=tuple(versions().items()),
            digests=tuple(
                (folder.as_posix(), digest(folder))
                for folder in (PREPARED, EXTRACTOR, MODEL, TRAINING, SAMPLES, EVALUATION)
            ),
            commands=COMMANDS,
        ),
    )
    with whole_folder(REPORT) as folder:
        write_text(folder / "index.html", render(page))
        write_animation(TRAINING, folder / "growth.webp")


def _labels(path: Path) -> np.ndarray | None:
    return np.asarray(read_array(path)) if path.is_file() else None


def _optional(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


def _columns(count: int) -> int:
    """The sheet is square, or nearly so."""
    return max(1, round(math.sqrt(count)))


def _subtitle(store: Store) -> str:
    height, width, channels = store.shape
    colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    total = sum(store.card["splits"].values())
    kinds = f" in {len(store.classes)} classes" if store.classes else ""
    return f"{store.card['source']}: {total:,} {colour} images, {width} × {height}{kinds}"


def _class_counts(store: Store) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not store.classes:
        return ()
    splits = [store.split(name).labels for name in SPLITS]
    counts = [
        np.bincount(labels, minlength=len(store.classes)) for labels in splits if labels is not None
    ]
    return tuple(
        (name, tuple(f"{column[i]:,}" for column in counts)) for i, name in enumerate(store.classes)
    )


def _parameters(seed: int, **sections: Section) -> tuple[tuple[str, Table], ...]:
    rows = [(name, compose.table(section.model_dump())) for name, section in sections.items()]
    return (("seed", (("seed", str(seed)),)), *rows)
