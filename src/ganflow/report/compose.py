"""From the pipeline's arrays to the sections of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganflow.base.images import image_grid
from ganflow.report.copying import nearest
from ganflow.report.embed import scale_for, show_grid, show_moving, show_small
from ganflow.report.failures import (
    confusion_matrix,
    least_likely,
    readings,
    worst_confusions,
)
from ganflow.report.page import Copy, Copying, Failure, Failures, SideBySide, Table, Variation
from ganflow.report.summary import number
from ganflow.report.variation import ImageGenerator, across_classes, loop, walks

MOST_CLASSES = 20
"""A page shows this many classes at most, spread evenly over all."""

BESIDE = 8
WALKS, STEPS = 6, 12
CORNERS, FRAMES = 4, 8
SHOWN_COPIES = 12
UNSEEN = 400
"""Held-out images whose nearest training images say how near is near."""

WEAKEST = 20


def spread(count: int, most: int = MOST_CLASSES) -> np.ndarray:
    """Indices of at most `most` classes out of `count`, spread evenly: int64."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def pairs(
    real: tuple[np.ndarray, np.ndarray | None],
    generated: tuple[np.ndarray, np.ndarray | None],
    classes: Sequence[str],
    draw: np.random.Generator,
) -> tuple[SideBySide, ...]:
    """Real beside generated images, class by class where both sides have labels.

    Args:
        real, generated: uint8 images (N, H, W, C), and labels (N,) or None.
        draw: which of the real images; of the generated ones the first are taken.
    """
    (images, labels), (samples, asked) = real, generated
    if labels is None or asked is None:
        count = min(3 * BESIDE, len(images), len(samples))
        drawn = np.sort(draw.choice(len(images), count, replace=False))
        return (
            SideBySide(
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
        drawn = np.sort(draw.choice(members, min(BESIDE, len(members)), replace=False))
        name = classes[index]
        found.append(
            SideBySide(
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
    draw: np.random.Generator,
) -> Variation:
    """Walks through the latent space, and latents taken across all classes."""
    chosen = spread(generator.classes, 10) if generator.classes else None
    names = [] if chosen is None else [classes[i] if classes else str(i) for i in chosen]

    def latents(count: int) -> np.ndarray:
        drawn = draw.standard_normal((count, generator.latent), dtype=np.float32)
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
    samples: np.ndarray, training: np.ndarray, unseen: np.ndarray, neighbours: int
) -> Copying:
    """Samples with their nearest training images, and how near unseen real images come.

    Args:
        samples, training, unseen: uint8 (N, H, W, C).
    """
    neighbours = min(neighbours, len(training))
    ours = nearest(samples[:UNSEEN], training, neighbours)
    theirs = nearest(unseen[:UNSEEN], training, 1)
    copies = tuple(
        Copy(
            show_small(samples[i : i + 1], 1, f"Sample {i + 1}."),
            show_small(
                training[ours.indices[i]],
                neighbours,
                f"The {neighbours} training images nearest to sample {i + 1}.",
            ),
            number(ours.distances[i, 0]),
        )
        for i in range(min(SHOWN_COPIES, len(samples)))
    )
    mine, real = float(np.median(ours.distances[:, 0])), float(np.median(theirs.distances))
    exact = int((ours.distances[:, 0] == 0).sum())
    words = [
        f"Of {len(ours.distances)} samples, "
        + ("none is" if not exact else f"{exact} {'is' if exact == 1 else 'are'}")
        + " pixel for pixel a training image."
    ]
    if real > 0:
        words.append(
            f"Samples lie {mine / real:.2f} times as far from their nearest training image as "
            "real images do that the training never saw; far below 1 would mean copies."
        )
    return Copying(copies, number(mine), number(real), " ".join(words))


def failures(
    samples: np.ndarray,
    labels: np.ndarray | None,
    logits: np.ndarray,
    classes: Sequence[str],
) -> Failures:
    """The samples that the extractor reads least well, and its confusions.

    Args:
        logits: float (N, K) for K classes; for data without labels the extractor's logits of
            which shape an image has and how it is turned, as `shape · 4 + turn`, 0 being upright.
    """
    if not classes:
        turns = np.logaddexp.reduce(logits.astype(np.float64).reshape(len(logits), -1, 4), axis=1)
        seen = readings(turns, np.zeros(len(logits), np.int64))
    else:
        seen = readings(logits, labels)
    weakest = tuple(
        Failure(
            show_grid(samples[i : i + 1], 1, f"Sample {i + 1}.", gap=0),
            classes[labels[i]] if labels is not None and classes else "",
            classes[seen.read[i]] if classes else "",
            _share(seen.likelihood[i]),
        )
        for i in least_likely(seen, WEAKEST)
    )
    if labels is None or not classes:
        return Failures(weakest, (), (), len(samples))
    matrix = confusion_matrix(labels, seen.read, len(classes))
    small = len(classes) <= MOST_CLASSES
    shown = tuple(tuple(int(count) for count in row) for row in matrix) if small else ()
    return Failures(weakest, tuple(worst_confusions(matrix, 8)), shown, len(samples))


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
