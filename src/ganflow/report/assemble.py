"""The whole page, from what the stages before wrote."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.progress import progress
from ganflow.base.store import SPLITS, Split, Store
from ganflow.config.report import Report
from ganflow.features.extractor import Extractor
from ganflow.report import compose
from ganflow.report.embed import show_grid
from ganflow.report.growth import growth
from ganflow.report.page import Page, Provenance
from ganflow.report.summary import summarize
from ganflow.report.variation import ImageGenerator

MEASURED = 10_000
"""Samples that the extractor reads for the section on failures."""


@dataclass(frozen=True)
class Results:
    """What the stages before the report wrote, opened."""

    store: Store
    samples: Split
    metrics: Mapping[str, Any]
    detail: Mapping[str, Any]
    training: Path
    generator: ImageGenerator
    extractor: Extractor


def assemble(
    results: Results, seed: int, truncation: float, report: Report, provenance: Provenance
) -> Page:
    """Compute every section of the page.

    Args:
        seed: of which real images and latents are shown.
        truncation: factor of the latents, as for the samples.
    """
    store, samples = results.store, results.samples
    real, unseen = store.split("train"), store.split("validation")
    rng = np.random.default_rng(seed)
    summary = summarize(results.metrics, results.detail)
    measured = np.asarray(samples.images[:MEASURED])
    labels = None if samples.labels is None else samples.labels[:MEASURED]
    with progress("report", 5, "sections") as done:
        pairs = compose.pairs(
            (real.images, real.labels), (samples.images, samples.labels), store.classes, rng
        )
        done.advance()
        grown = growth(results.training, summary.baseline)
        done.advance()
        varied = compose.variation(results.generator, store.classes, truncation, rng)
        done.advance()
        copies = compose.copying(measured, real.images, unseen.images, report.neighbours)
        done.advance()
        logits = results.extractor.describe(measured).logits
        failed = compose.failures(measured, labels, logits, store.classes)
        done.advance()
    total, shown = len(samples.images), min(report.samples, len(samples.images))
    columns = max(1, round(math.sqrt(shown)))  # the sheet is square, or nearly so
    return Page(
        title=report.title,
        subtitle=subtitle(store),
        samples=show_grid(samples.images[:shown], columns, f"{shown} generated images."),
        samples_shown=f"The first {shown} of {total:,} samples; none was picked by hand.",
        summary=summary,
        pairs=pairs,
        growth=grown,
        variation=varied,
        copying=copies,
        failures=failed,
        classes=store.classes,
        data=compose.data_card(store.card),
        class_counts=class_counts(store),
        splits=SPLITS,
        provenance=provenance,
    )


def subtitle(store: Store) -> str:
    """The data in a line: its source, and how many images of what kind it has."""
    height, width, channels = store.shape
    colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    total = sum(store.card["splits"].values())
    kinds = f" in {len(store.classes)} classes" if store.classes else ""
    return f"{store.card['source']}: {total:,} {colour} images, {width} × {height}{kinds}"


def class_counts(store: Store) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each class with its number of images in each split, as texts."""
    if not store.classes:
        return ()
    splits = [store.split(name).labels for name in SPLITS]
    counts = [
        np.bincount(labels, minlength=len(store.classes)) for labels in splits if labels is not None
    ]
    return tuple(
        (name, tuple(f"{column[i]:,}" for column in counts)) for i, name in enumerate(store.classes)
    )
