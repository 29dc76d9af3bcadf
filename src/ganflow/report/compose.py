"""Composes the sections of the page from the outputs of the other stages."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ganflow.base.images import image_grid
from ganflow.base.section import Section
from ganflow.base.store import SPLITS, Store
from ganflow.config.report import ReportParams
from ganflow.report.class_table import class_table
from ganflow.report.embed import scale_for, show_grid, show_moving, show_small
from ganflow.report.growth import growth
from ganflow.report.sources import ImageGenerator, Sources, versions
from ganflow.report.summary import doubts, number, summarise
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

Table = tuple[tuple[str, str], ...]
"""Names and what they are, as texts."""

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
) -> dict[str, Any]:
    """Compose what the page's template asks for; sections that do not apply are None.

    Args:
        parameters: the typed sections by name.
        advance: called `SECTIONS` times.
    """
    store, samples, detail = sources.store, sources.samples, sources.detail
    real = store.split("train")
    rng = np.random.default_rng(seed)
    summary = summarise(sources.metrics, {**detail, "doubts": _doubts(sources)})
    count = min(report.samples, len(samples))
    columns = max(1, round(math.sqrt(count)))
    made: dict[str, Any] = {
        "title": report.title,
        "subtitle": _subtitle(store),
        "samples": show_grid(samples[:count], columns, f"{count} generated images."),
        "samples_shown": f"The first {count} of {len(samples):,} samples; none was picked by hand.",
        "summary": summary,
        "classes": store.classes,
        "data": data_card(store.card),
        "class_counts": _class_counts(store),
        "by_class": class_table(detail, MOST_CLASSES),
        "splits": SPLITS,
        "provenance": _provenance(sources, seed, parameters),
    }
    images = (real.images, real.labels), (samples, sources.labels)
    neighbours = report.neighbours
    composed: dict[str, Callable[[], Any]] = {
        "pairs": lambda: class_comparisons(*images, store.classes, rng),
        "growth": lambda: growth(sources.training, summary.baseline),
        "variation": lambda: variation(sources.generator, store.classes, truncation, rng),
        "copying": lambda: copying(detail.get("copies"), samples, real.images, neighbours),
        "failures": lambda: failures(detail.get("failures"), samples, store.classes),
    }
    for name, section in composed.items():
        made[name] = section()
        advance()
    return made


def _doubts(sources: Sources) -> list[str]:
    """The doubts of the evaluation, and that the training did not end as it should."""
    found = doubts(sources.detail)
    if problem := sources.model_card.get("diverged"):
        found.append(
            f"The training diverged, and its best snapshot until then was kept: {problem}."
        )
    return found


def _provenance(sources: Sources, seed: int, parameters: Mapping[str, Section]) -> dict[str, Any]:
    rows = [(name, table(section.model_dump())) for name, section in parameters.items()]
    # The layers of a generator of one's own are hundreds of lines, and its code is in git.
    card = {key: value for key, value in sources.model_card.items() if key != "layers"}
    return {
        "parameters": [("seed", [("seed", str(seed))]), *rows],
        "cards": [
            ("Model card", table(card)),
            ("Extractor card", table(sources.extractor_card)),
        ],
        "versions": versions().items(),
        "digests": sources.digests.items(),
        "commands": COMMANDS,
    }


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
) -> list[dict[str, Any]]:
    """Real beside generated images, class by class where both sides have labels.

    Args:
        real, generated: uint8 images (N, H, W, C), and labels (N,) or None.
        rng: draws the real images; the generated ones are the first.
    """
    (images, labels), (samples, asked) = real, generated

    def pair(name: str, members: np.ndarray, ours: np.ndarray, count: int) -> dict[str, Any]:
        drawn = np.sort(rng.choice(members, min(count, len(members)), replace=False))
        of = f" of class {name}" if name else ""
        return {
            "name": name or "All",
            "real": show_small(images[drawn], BESIDE, f"Real images{of}."),
            "generated": show_small(samples[ours[:count]], BESIDE, f"Generated images{of}."),
        }

    if labels is None or asked is None:
        count = min(3 * BESIDE, len(images), len(samples))
        return [pair("", np.arange(len(images)), np.arange(len(samples)), count)]
    found = []
    for index in spread(len(classes)):
        members, ours = np.flatnonzero(labels == index), np.flatnonzero(asked == index)
        if len(members) and len(ours):
            found.append(pair(classes[index], members, ours, BESIDE))
    return found


def variation(
    generator: ImageGenerator,
    classes: Sequence[str],
    truncation: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Walks through the latent space, and latents taken across all classes."""
    chosen = spread(generator.classes, 10) if generator.classes else None
    names = [] if chosen is None else [classes[i] if classes else str(i) for i in chosen]

    def latents(count: int) -> np.ndarray:
        drawn = rng.standard_normal((count, generator.latent), dtype=np.float32)
        return drawn * np.float32(truncation)

    steps = walks(generator, chosen, WALKS, STEPS, latents(2 * WALKS))
    kinds = f", of the classes {', '.join(names[:WALKS])}" if names else ""
    path = loop(latents(CORNERS), FRAMES)
    if chosen is None:
        paths = [path, *(loop(latents(CORNERS), FRAMES) for _ in range(BESIDE - 1))]
        frames = np.stack([generator.images(one, None) for one in paths], axis=1)
        across = None
    else:
        moved = across_classes(generator, chosen, path)
        frames = moved.reshape(len(path), len(chosen), *moved.shape[1:])
        grid = across_classes(generator, chosen, latents(5))
        alt = f"Five latents, each in the classes {', '.join(names)}."
        across = show_grid(grid, len(chosen), alt)
    scale = scale_for(frames.shape[2])
    sheets = [image_grid(frame, frames.shape[1], scale) for frame in frames]
    return {
        "moving": show_moving(
            sheets, "A walk through the latent space that ends where it began.", 90
        ),
        "walks": show_grid(steps, STEPS, f"{WALKS} walks from one latent to another{kinds}."),
        "across": across,
        "classes": names,
    }


def copying(
    found: Mapping[str, Any] | None, samples: np.ndarray, training: np.ndarray, neighbours: int
) -> dict[str, Any] | None:
    """Samples with their nearest training images, and how near unseen real images come.

    Args:
        found: `copies` of detail.json.
        samples, training: uint8 (N, H, W, C).
    """
    if found is None:
        return None
    copies = []
    for index, nearest in enumerate(found["nearest"]):
        images = training[nearest["images"][:neighbours]]
        alt = f"The {len(images)} training images nearest to sample {index + 1}."
        copies.append(
            {
                "sample": show_small(samples[index : index + 1], 1, f"Sample {index + 1}."),
                "neighbours": show_small(images, len(images), alt),
                "distance": number(nearest["distances"][0]),
            }
        )
    exact, mine, real = found["identical"], found["median"], found["unseen_median"]
    are = "none is" if not exact else f"{exact} {'is' if exact == 1 else 'are'}"
    verdict = f"Of {found['samples']} samples, {are} pixel for pixel a training image."
    if real > 0:
        verdict += (
            f" Samples lie {mine / real:.2f} times as far from their nearest training image as "
            "real images do that the training never saw; far below 1 would mean copies."
        )
    texts = {"generated": number(mine), "unseen": number(real), "verdict": verdict}
    return {"copies": copies, **texts}


def failures(
    found: Mapping[str, Any] | None, samples: np.ndarray, classes: Sequence[str]
) -> dict[str, Any] | None:
    """The samples that the extractor classifies worst, and its confusions.

    Args:
        found: `failures` of detail.json.
        samples: uint8 (N, H, W, C).
    """
    if found is None:
        return None
    weakest = []
    for weak in found["weakest"]:
        index, share = weak["sample"], weak["likelihood"]
        weakest.append(
            {
                "sample": show_grid(samples[index : index + 1], 1, f"Sample {index + 1}.", gap=0),
                "requested": classes[weak["requested"]] if "requested" in weak else "",
                "predicted": classes[weak["predicted"]] if "predicted" in weak else "",
                "likelihood": f"{100 * share:.1f} %" if share >= 0.001 else "under 0.1 %",
            }
        )
    return {"confusions": (), "matrix": (), **found, "weakest": weakest}


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
