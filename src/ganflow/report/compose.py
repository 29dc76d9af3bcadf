"""Composes the sections of the page from the outputs of the other stages."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ganflow.base.images import image_grid
from ganflow.base.section import Section
from ganflow.base.store import SPLITS, Store
from ganflow.config.report import ReportParams
from ganflow.report.embed import scale_for, show_grid, show_moving, show_small
from ganflow.report.growth import growth
from ganflow.report.page import (
    ClassComparison,
    Copy,
    Copying,
    Failure,
    Failures,
    Page,
    Provenance,
    Table,
    Variation,
)
from ganflow.report.sources import ImageGenerator, Sources, versions
from ganflow.report.summary import number, summarise
from ganflow.report.variation import across_classes, loop, walks

MOST_CLASSES = 20
"""A page shows this many classes at most, spread evenly over all."""

COMMANDS = (
    ("make run", "installs everything, runs every stage whose inputs changed, shows this page"),
    ("dvc repro", "the same without the workflow's server"),
    ("dvc repro --force", "runs every stage again; the bytes stay the same"),
    ("dvc metrics diff", "what a change of parameters did to the numbers"),
    ("ganflow studio", "opens this generator to play with"),
)

SECTIONS = 5
"""How often `compose` reports progress."""

BESIDE = 8
WALKS, STEPS = 6, 12
CORNERS, FRAMES = 4, 8


def compose(
    sources: Sources,
    seed: int,
    parameters: Mapping[str, Section],
    report: ReportParams,
    truncation: float,
    advance: Callable[[], object],
) -> Page:
    """Compose the page.

    Args:
        parameters: the typed sections by name.
        advance: called `SECTIONS` times.
    """
    store, samples = sources.store, sources.samples
    real = store.split("train")
    rng = np.random.default_rng(seed)
    summary = summarise(sources.metrics, sources.detail)
    count = min(report.samples, len(samples))
    columns = max(1, round(math.sqrt(count)))
    pairs = class_comparisons(
        (real.images, real.labels), (samples, sources.labels), store.classes, rng
    )
    advance()
    grown = growth(sources.training, summary.baseline)
    advance()
    varied = variation(sources.generator, store.classes, truncation, rng)
    advance()
    copies, failed = sources.detail.get("copies"), sources.detail.get("failures")
    copied = None if copies is None else copying(copies, samples, real.images, report.neighbours)
    advance()
    weak = None if failed is None else failures(failed, samples, store.classes)
    advance()
    return Page(
        title=report.title,
        subtitle=_subtitle(store),
        samples=show_grid(samples[:count], columns, f"{count} generated images."),
        samples_shown=f"The first {count} of {len(samples):,} samples; none was picked by hand.",
        summary=summary,
        pairs=pairs,
        growth=grown,
        variation=varied,
        copying=copied,
        failures=weak,
        classes=store.classes,
        data=data_card(store.card),
        class_counts=_class_counts(store),
        splits=SPLITS,
        provenance=_provenance(sources, seed, parameters),
    )


def _provenance(sources: Sources, seed: int, parameters: Mapping[str, Section]) -> Provenance:
    rows = [(name, table(section.model_dump())) for name, section in parameters.items()]
    return Provenance(
        parameters=(("seed", (("seed", str(seed)),)), *rows),
        cards=(
            ("Model card", table(sources.model_card)),
            ("Extractor card", table(sources.extractor_card)),
        ),
        versions=tuple(versions().items()),
        digests=tuple(sources.digests.items()),
        commands=COMMANDS,
    )


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


def spread(count: int, most: int = MOST_CLASSES) -> np.ndarray:
    """Indices of at most `most` classes out of `count`, spread evenly: int64."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def class_comparisons(
    real: tuple[np.ndarray, np.ndarray | None],
    generated: tuple[np.ndarray, np.ndarray | None],
    classes: Sequence[str],
    rng: np.random.Generator,
) -> tuple[ClassComparison, ...]:
    """Real beside generated images, class by class where both sides have labels.

    Args:
        real, generated: uint8 images (N, H, W, C), and labels (N,) or None.
        rng: draws the real images; the generated ones are the first.
    """
    (images, labels), (samples, asked) = real, generated
    if labels is None or asked is None:
        count = min(3 * BESIDE, len(images), len(samples))
        drawn = np.sort(rng.choice(len(images), count, replace=False))
        return (
            ClassComparison(
                "All",
                show_small(images[drawn], BESIDE, "Real images."),
                show_small(samples[:count], BESIDE, "Generated images."),
            ),
        )
    found = []
    for index in spread(len(classes)):
        members, ours = np.flatnonzero(labels == index), np.flatnonzero(asked == index)
        if not len(members) or not len(ours):
            continue
        drawn = np.sort(rng.choice(members, min(BESIDE, len(members)), replace=False))
        name = classes[index]
        found.append(
            ClassComparison(
                name,
                show_small(images[drawn], BESIDE, f"Real images of class {name}."),
                show_small(samples[ours[:BESIDE]], BESIDE, f"Generated images of class {name}."),
            )
        )
    return tuple(found)


def variation(
    generator: ImageGenerator,
    classes: Sequence[str],
    truncation: float,
    rng: np.random.Generator,
) -> Variation:
    """Walks through the latent space, and latents taken across all classes."""
    chosen = spread(generator.classes, 10) if generator.classes else None
    names = [] if chosen is None else [classes[i] if classes else str(i) for i in chosen]

    def latents(count: int) -> np.ndarray:
        drawn = rng.standard_normal((count, generator.latent), dtype=np.float32)
        return drawn * np.float32(truncation)

    steps = walks(generator, chosen, WALKS, STEPS, latents(2 * WALKS))
    picked = None if chosen is None else chosen[:WALKS]
    kinds = "" if picked is None else f", of the classes {', '.join(names[:WALKS])}"
    path = loop(latents(CORNERS), FRAMES)
    if chosen is None:
        paths = [path, *(loop(latents(CORNERS), FRAMES) for _ in range(BESIDE - 1))]
        frames = np.stack([generator.images(one, None) for one in paths], axis=1)
        columns, across = BESIDE, None
    else:
        columns = len(chosen)
        moved = across_classes(generator, chosen, path)
        frames = moved.reshape(len(path), columns, *moved.shape[1:])
        grid = across_classes(generator, chosen, latents(5))
        across = show_grid(grid, columns, f"Five latents, each in the classes {', '.join(names)}.")
    scale = scale_for(frames.shape[2])
    sheets = [image_grid(frame, columns, scale) for frame in frames]
    return Variation(
        show_moving(sheets, "A walk through the latent space that ends where it began.", 90),
        show_grid(steps, STEPS, f"{WALKS} walks from one latent to another{kinds}."),
        across,
        tuple(names),
    )


def copying(
    found: Mapping[str, Any], samples: np.ndarray, training: np.ndarray, neighbours: int
) -> Copying:
    """Samples with their nearest training images, and how near unseen real images come.

    Args:
        found: `copies` of detail.json.
        samples, training: uint8 (N, H, W, C).
    """
    copies = []
    for index, nearest in enumerate(found["nearest"]):
        images = training[nearest["images"][:neighbours]]
        alt = f"The {len(images)} training images nearest to sample {index + 1}."
        copies.append(
            Copy(
                show_small(samples[index : index + 1], 1, f"Sample {index + 1}."),
                show_small(images, len(images), alt),
                number(nearest["distances"][0]),
            )
        )
    exact, mine, real = found["identical"], found["median"], found["unseen_median"]
    words = [
        f"Of {found['samples']} samples, "
        + ("none is" if not exact else f"{exact} {'is' if exact == 1 else 'are'}")
        + " pixel for pixel a training image."
    ]
    if real > 0:
        words.append(
            f"Samples lie {mine / real:.2f} times as far from their nearest training image as "
            "real images do that the training never saw; far below 1 would mean copies."
        )
    return Copying(tuple(copies), number(mine), number(real), " ".join(words))


def failures(found: Mapping[str, Any], samples: np.ndarray, classes: Sequence[str]) -> Failures:
    """The samples that the extractor classifies worst, and its confusions.

    Args:
        found: `failures` of detail.json.
        samples: uint8 (N, H, W, C).
    """
    weakest = []
    for weak in found["weakest"]:
        index = weak["sample"]
        weakest.append(
            Failure(
                show_grid(samples[index : index + 1], 1, f"Sample {index + 1}.", gap=0),
                classes[weak["requested"]] if "requested" in weak else "",
                classes[weak["predicted"]] if "predicted" in weak else "",
                _share(weak["likelihood"]),
            )
        )
    return Failures(
        tuple(weakest),
        tuple(found.get("confusions", ())),
        tuple(tuple(row) for row in found.get("matrix", ())),
        found["samples"],
    )


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if value >= 0.001 else "under 0.1 %"


def data_card(card: Mapping[str, Any]) -> Table:
    """The prepared data's card in words; keys that are not known are shown as they are."""
    hidden = {"classes", "class_counts"}  # shown in a table of their own
    rows = [(_words(key), _text(value)) for key, value in card.items() if key not in hidden]
    classes = card.get("classes")
    if classes:
        rows.insert(min(2, len(rows)), ("Classes", f"{len(classes)}: {_listed(classes)}"))
    return tuple(rows)


def table(values: Mapping[str, Any]) -> Table:
    """Nested settings as dotted names and texts."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows.extend((f"{key}.{name}", text) for name, text in table(value))
        else:
            rows.append((str(key), _text(value)))
    return tuple(rows)


def _words(key: str) -> str:
    known = {"sha256": "SHA-256 of the source"}
    return known.get(key, key.replace("_", " ").capitalize())


def _listed(names: Sequence[Any], most: int = 30) -> str:
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        shown = (f"{_words(str(k)).lower()} {_text(v)}" for k, v in value.items() if v != {})
        return ", ".join(shown)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        if len(value) == 3 and all(isinstance(v, int) for v in value):
            return " × ".join(str(v) for v in value)
        return _listed([_text(v) for v in value]) or "none"
    return "off" if value is None else str(value)
