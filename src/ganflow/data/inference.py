"""What is inferred about a user's images, each thing by one function and from the whole set.

Every function takes what was found and the parameter that overrides it, and returns the decision
as an `Inference`, which the log, `data show` and dataset.json repeat. Where the evidence fits two
answers equally well, the data is refused with the line to set.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from ganflow.base.errors import DataError
from ganflow.data.rejects import printable
from ganflow.data.splits import SPLIT_NAMES, TRAIN

if TYPE_CHECKING:  # worker processes import this module and need no pydantic
    from ganflow.config.data import DataParams, SplitFolders

Range = tuple[float, float]

FULL_SCALES = (255, 1023, 4095, 16383, 65535)
"""The greatest values of 8, 10, 12, 14 and 16 bits."""

OVERSHOOT = 0.02
"""How far values may lie outside a range, as a share of it: rounding, or a resize with ringing."""

FEW_LEVELS = 20
"""A greatest value up to this may be that of class indices or of a few grey levels."""

ODD_SCALES = (31, 63, 100, 127)
"""Greatest values that also are full scales: of 5, 6 and 7 bits, and of percent."""

SATURATED = 4
"""Pixels of the greatest value that make it a full scale, where the type allows more: the
brightest spot of a dark scene is one or two pixels."""

LEFT_OUT = -3
"""In place of a split, for a folder of pictures that belong to none."""

UNLABELLED = ("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled")
GENERIC = (
    *("all", "data", "dataset", "file", "files", "folder", "full", "image", "images", "img"),
    *("imgs", "original", "photo", "photos", "pics", "picture", "pictures", "raw", "sample"),
    *("samples", "set", "single", "small", "split"),
)
"""Words beside a split's name that say nothing, as in `training_set` or `single_prediction`."""

NO_CLASSES = {
    *GENERIC,
    *(
        "annotation",
        "annotations",
        "depth",
        "gt",
        "label",
        "labels",
        "mask",
        "masks",
        "segmentation",
    ),
    *("thumb", "thumbnail", "thumbnails", "thumbs"),
}
"""Words of folders that hold another kind of picture, or all, and not those of a class."""

SPLIT_WORDS = {*SPLIT_NAMES, *UNLABELLED, *GENERIC}

FEW_A_CLASS = 10
"""With fewer images than this a class, on average, labels teach a generator nothing."""

DARK, BRIGHT = 48, 207
"""Mean levels, of 255, up to or from which a picture is lost on black or on white."""

FLAT = 4.0
"""A standard deviation, of 255, below which the images of a set show next to nothing."""


@dataclass(frozen=True)
class Inference:
    """One decision about the data, why it was taken, and how to take another."""

    what: str
    value: str
    evidence: str
    setting: str = ""
    """What to write in params.yaml to override it."""

    doubtful: bool = False
    """Whether the evidence also fits something else."""

    def __str__(self) -> str:
        change = f"; to change it, set {self.setting} in params.yaml" if self.setting else ""
        doubt = "in doubt: " if self.doubtful else ""
        return printable(f"{doubt}{self.what}: {self.value} ({self.evidence}{change})")


@dataclass
class Values:
    """The least and the greatest of some numbers, and whether all are whole."""

    low: float = math.inf
    high: float = -math.inf
    whole: bool = True
    peaks: int = 0
    """How many have the greatest value: more than one where brighter ones were cut off. Bytes are
    not counted, as their type tells the range."""

    def add(self, block: np.ndarray) -> None:
        """Take in an array of numbers; a NaN among them makes `low` and `high` NaN."""
        if block.size:
            low, high = block.min(), block.max()
            peaks = 0 if block.dtype.itemsize == 1 else int((block == high).sum())
            is_whole = block.dtype.kind in "biu" or (
                self.whole and bool((block == np.rint(block)).all())
            )
            self.merge(Values(float(low), float(high), is_whole, peaks))

    def merge(self, other: Values) -> None:
        self.peaks = sum(v.peaks for v in (self, other) if v.high >= max(self.high, other.high))
        self.low = float(np.minimum(self.low, other.low))
        self.high = float(np.maximum(self.high, other.high))
        self.whole &= other.whole


@dataclass
class Evidence:
    """What was seen of the pictures that were decoded."""

    pictures: int = 0
    coloured: int = 0
    """Those with a colour, by mode where they became grey, else by content."""

    transparent: int = 0
    dark: int = 0
    """Transparent pictures whose visible part would be lost on black."""

    bright: int = 0
    """Transparent pictures whose visible part would be lost on white."""

    animated: int = 0
    shallow: Values = field(default_factory=Values)
    """Of pictures with 8 bits a channel, after they were resized; of most, in a mixed set."""

    deep: dict[str, Values] = field(default_factory=dict)
    """Of grey pictures with more bits, before they were scaled, by type: `uint16` or `float32`."""

    def merge(self, other: Evidence) -> None:
        for name in ("pictures", "coloured", "transparent", "dark", "bright", "animated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.shallow.merge(other.shallow)
        for kind, values in other.deep.items():
            self.deep.setdefault(kind, Values()).merge(values)


def assumed_range(dtype: np.dtype) -> Range:
    """The range that a type suggests, by which data is read first."""
    if dtype.kind in "bf":
        return 0, 1
    return (0, 65535) if dtype == np.uint16 else (0, 255)


def infer_range(
    values: Values, dtype: np.dtype, data: DataParams, where: str
) -> tuple[Range, Inference]:
    """Which numbers are black and white.

    Args:
        values: of the whole set.
        dtype: their type.
        where: the source, for messages.

    Raises:
        DataError: when no range fits, or two fit equally well.
    """
    if not math.isfinite(values.low + values.high):
        raise DataError(
            "it holds NaN or infinity",
            where=where,
            expected="finite numbers",
            run="np.nan_to_num(images), or leave out the images that hold them",
        )
    seen = f"{dtype} values from {values.low:.6g} to {values.high:.6g}"
    if data.range != "auto":
        low, high = data.range
        outside = "; those outside become black or white" * (values.low < low or values.high > high)
        return (low, high), Inference(
            "range", f"{low:g} to {high:g}", f"data.range; {seen}{outside}"
        )
    chosen, doubtful, why = _range(values, dtype)
    if chosen is None:
        raise DataError(
            f"{seen}: {why}",
            where=where,
            expected="numbers whose black and white are clear from the whole set",
            run=f"set data.range in params.yaml, to [{values.low:g}, {values.high:g}] for example, "
            "and look at it with ganflow data show",
        )
    low, high = chosen
    found = Inference("range", f"{low:g} to {high:g}", f"{seen}{why}", "data.range", doubtful)
    return chosen, found


def _range(values: Values, dtype: np.dtype) -> tuple[Range | None, bool, str]:
    """The range or None, whether it is in doubt, and why."""
    low, high, kind = values.low, values.high, dtype.kind
    has_bounds = kind in "iu" and dtype.itemsize <= 2
    least, most = (np.iinfo(dtype).min, np.iinfo(dtype).max) if has_bounds else (0, 65535)
    is_unit = kind == "f" and low >= -1 - OVERSHOOT and high <= 1 + OVERSHOOT
    is_signed = is_unit and low < -OVERSHOOT
    overshoots = kind == "f" and low >= -OVERSHOOT * 255 and high > FEW_LEVELS
    is_negative = low < 0 and not overshoots
    fills_type = least < 0 and low <= least / 2 and high >= most / 2
    dim = high < (0.25 if is_unit else 64) or (not is_unit and high in ODD_SCALES)
    slack = 1 if values.whole else 1 + OVERSHOOT
    scales = [scale for scale in (*FULL_SCALES, most) if scale <= most]
    full = next((scale for scale in scales if high <= scale * slack), 0)
    rules: tuple[tuple[bool, Range | None, bool, str], ...] = (
        (low == high, None, False, "every pixel has the same value"),
        (kind == "b" or (values.whole and 0 <= low <= high <= 1), (0, 1), False, ", as masks have"),
        (
            is_signed and max(-low, high) <= 0.5 + OVERSHOOT / 2,
            *(None, False, "their range may be -0.5 to 0.5, or -1 to 1"),
        ),
        (
            is_signed and low > -0.5,
            *(None, False, "their range may be 0 to 1 with overshoot, or -1 to 1"),
        ),
        (is_signed, (-1, 1), False, ""),
        (
            is_unit and high <= OVERSHOOT,
            *(None, False, "they may be very dark, or divided by 255 twice"),
        ),
        (is_unit, (0, 1), dim, ", far below 1: are they meant to be dark?" * dim),
        (is_negative and fills_type, (least, most), False, ", the whole range of the type"),
        (is_negative, None, False, "no usual range has such negative values"),
        (
            high <= FEW_LEVELS,
            *(None, False, "they may be a few grey levels, indices of classes, or very dark"),
        ),
        (dtype == np.uint8, (0, 255), dim, ", far below 255: are they meant to be dark?" * dim),
        (not full, None, False, "no usual range has such values"),
        (high == full and values.peaks >= SATURATED, (0, full), False, ""),
        (high > 16383 * slack, (0, full), False, ""),
        (
            full == 16383 and most == 65535 and high < 0.99 * full,
            *((0, most), True, ", if not pictures of 14 bits"),
        ),
    )
    otherwise = (0, full), True, ", if not darker pictures of more bits"
    return next((rule[1:] for rule in rules if rule[0]), otherwise)


def infer_colour(
    data: DataParams, evidence: Evidence, grey: bool
) -> tuple[Literal["L", "RGB"], Inference]:
    """Whether the set is grey (`L`) or `RGB`.

    Args:
        grey: whether the pictures were decoded as grey ones.
    """
    total, coloured = evidence.pictures, evidence.coloured
    share = f"{coloured:,} of {total:,} images have colours"
    if data.mode != "auto":
        words = "grey" if data.mode == "L" else "RGB"
        return data.mode, Inference("colour", words, f"data.mode; {share}")
    if data.stacked:
        return "L", Inference("colour", "grey", "stacked images are made from grey ones")
    if not coloured:
        setting = "data.mode: RGB"
        return "L", Inference("colour", "grey", f"none of {total:,} images has a colour", setting)
    few = not grey and coloured <= total / 10
    hint = ": grey would train faster" if few else ""
    return "RGB", Inference("colour", "RGB", share + hint, "data.mode: L", doubtful=few)


def infer_background(data: DataParams, evidence: Evidence) -> tuple[int, Inference | None]:
    """The grey level behind transparent pixels; nothing is said of a set without any."""
    total = evidence.transparent
    if data.background != "auto":
        given = Inference(
            "background", str(data.background), f"data.background; {total:,} are transparent"
        )
        return data.background, given if total else None
    if not total:
        return 0, None
    white = 2 * evidence.dark >= total
    lost = evidence.bright if white else evidence.dark
    seen = f"{total:,} are transparent, of which {evidence.dark:,} would be lost on black"
    seen += f" and {evidence.bright:,} on white"
    name = "255, white" if white else "0, black"
    found = Inference("background", name, seen, "data.background", lost > total / 10)
    return 255 if white else 0, found


def infer_labels(counts: Mapping[str, int], data: DataParams) -> tuple[bool, Inference]:
    """Whether the labels are used.

    Args:
        counts: images of each class.
    """
    classes, images = len(counts), sum(counts.values())
    seen = f"{images:,} images in {classes:,} {'class' if classes == 1 else 'classes'}"
    few = f"{seen}, fewer than {FEW_A_CLASS} each, are too few to learn from"
    unused = (
        (data.labels == "ignore", Inference("labels", "not used", f"data.labels; {seen}")),
        (
            data.labels == "auto" and classes == 1,
            Inference("labels", "not used", f"one class tells nothing apart: {seen}"),
        ),
        (
            data.labels == "auto" and images < FEW_A_CLASS * classes,
            Inference("labels", "not used", few, "data.labels: use", doubtful=True),
        ),
    )
    for applies, found in unused:
        if applies:
            return False, found
    odd = [name for name in counts if set(words(name)) and set(words(name)) <= NO_CLASSES]
    if odd:
        seen += f"; is `{_listed(odd)}` a class?"
    found = Inference("labels", f"{classes:,} classes", seen, "data.labels: ignore", bool(odd))
    return True, found


def infer_splits(
    folders: Mapping[str, bool], given: SplitFolders | Literal["auto", "none"], where: str
) -> tuple[dict[str, int], Inference | None]:
    """Which split each top folder is, empty if the folders are classes.

    Args:
        folders: the top folders, and whether each has folders inside.

    Raises:
        DataError: when some folders are named like splits and others are not, or a folder that
            `data.splits` names is missing.
    """
    if given == "none":
        return {}, Inference("splits", "none in the source", "data.splits")
    if given != "auto":
        return _given_splits(folders, given, where)
    roles = {name: _split_of(name) for name in folders}
    named = {name: split for name, split in roles.items() if split is not None}
    kinds = set(named.values()) - {LEFT_OUT}
    more = {name: set(words(name)) - SPLIT_WORDS for name in named}
    alike = len({frozenset(extra) for extra in more.values() if extra}) < 2
    others = folders.keys() - named.keys()
    if not others and TRAIN in kinds and alike:
        left = [name for name, split in named.items() if split == LEFT_OUT]
        out = f"; {_listed(left)}: not used, no labels" if left else ""
        seen = f"the names of the top folders: {_listed(folders)}{out}"
        return named, Inference("splits", "the source's own", seen, "data.splits: none")
    plain = {name: split for name, split in named.items() if not more[name]}
    if len(kinds) > 1 and (alike or not others):
        plain = named
    # A folder `train` among others may be a class, of vehicles, if it holds pictures alone.
    if set(plain.values()) - {TRAIN, LEFT_OUT} or (others and any(folders[name] for name in plain)):
        raise DataError(
            f"the folders {_listed(named)} are named like splits"
            + (f", and {_listed(others)} are not" if others else ""),
            where=where,
            expected="folders train, test and validation, or one folder for each class",
            run="set data.splits in params.yaml: none if all are classes, or the folders of each "
            "split, as in `splits: {train: [train], test: [test]}`; others are then left out",
        )
    return {}, None


def _given_splits(
    folders: Collection[str], given: SplitFolders, where: str
) -> tuple[dict[str, int], Inference]:
    roles = dict.fromkeys(folders, LEFT_OUT)
    for split, names in enumerate((given.train, given.validation, given.test)):
        for name in names:
            if name not in roles:
                raise DataError(
                    f"data.splits names the folder `{printable(name)}`, which is not there",
                    where=where,
                    expected=f"some of: {_listed(folders) or 'no folder at all'}",
                    run="change data.splits in params.yaml",
                )
            roles[name] = split
    left = sorted(name for name, split in roles.items() if split == LEFT_OUT)
    seen = "data.splits" + (f"; left out: {_listed(left)}" if left else "")
    return roles, Inference("splits", "as given", seen)


def _listed(names: Collection[str]) -> str:
    shown = [printable(name) for name in sorted(names)]
    return ", ".join(shown[:10]) + ", …" * (len(shown) > 10)


def _split_of(name: str) -> int | None:
    """The split that a folder's name says, or None."""
    found = {SPLIT_NAMES[word] for word in words(name) if word in SPLIT_NAMES}
    if not found and set(words(name)) & set(UNLABELLED):
        return LEFT_OUT
    return found.pop() if len(found) == 1 else None


def words(name: str) -> list[str]:
    """The words of a name in lower case: `seg_train`, `TrainSet` and `val2017` have one or two."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]


def infer_layout(
    shape: tuple[int, ...],
    first_rows: Callable[[], np.ndarray],
    data: DataParams,
    where: str,
) -> tuple[tuple[int, int, int], bool, Inference | None]:
    """Height, width and channels of an array's images, and whether the channels come first.

    Args:
        shape: of one image as it is stored: (h, w), (h, w, c), (c, h, w) or (pixels,).
        first_rows: reads some of the images, which tell the order of the pixels in a row.

    Raises:
        DataError: when it holds no images, or the layout is not clear.
    """
    if len(shape) == 2 and 1 not in shape:
        return (*shape, 1), False, None
    if len(shape) == 3:
        return _layout_of_axes((shape[0], shape[1], shape[2]), data, where)
    pixels = math.prod(shape)
    side = math.isqrt(pixels)
    if side**2 == pixels:
        seen = f"rows of {pixels} numbers, {side} squared"
        return (side, side, 1), False, Inference("layout", f"{side} × {side}, grey", seen)
    side = math.isqrt(pixels // 3)
    if 3 * side**2 != pixels or len(shape) > 3:
        raise _no_images(shape, where)
    planar, found = _layout_of_rows(side, first_rows, data, where)
    return (side, side, 3), planar, found


def _layout_of_axes(
    shape: tuple[int, int, int], data: DataParams, where: str
) -> tuple[tuple[int, int, int], bool, Inference | None]:
    axes = {"NHWC": shape[2], "NCHW": shape[0]}
    fit = [n for n, size in axes.items() if size in (1, 3, 4) and data.layout in ("auto", n)]
    if len(fit) > 1:
        raise DataError(
            f"images of shape {shape} may have their channels first or last",
            where=where,
            expected="one axis of 1, 3 or 4 channels",
            run="set data.layout in params.yaml: NHWC (last) or NCHW (first)",
        )
    if not fit:
        raise _no_images(shape, where)
    if fit == ["NHWC"]:
        return shape, False, None
    seen = f"images of shape {shape}"
    found = Inference("layout", "NCHW, channels first", seen, "data.layout")
    return (shape[1], shape[2], shape[0]), True, found


def _layout_of_rows(
    side: int, first_rows: Callable[[], np.ndarray], data: DataParams, where: str
) -> tuple[bool, Inference]:
    """Whether rows have all red values first: neighbours are alike in the order that is theirs."""
    seen = f"rows of {3 * side**2} numbers, 3 times {side} squared"
    if data.layout != "auto":
        return data.layout == "NCHW", Inference("layout", data.layout, f"data.layout; {seen}")
    rows = first_rows().astype(np.float64)
    apart = _roughness(rows.reshape(-1, 3, side, side))
    together = _roughness(rows.reshape(-1, side, side, 3).transpose(0, 3, 1, 2))
    if max(apart, together) < 1.5 * min(apart, together):
        raise DataError(
            f"{seen}: the colours of a pixel may stand together or apart",
            where=where,
            expected="rows whose layout is clear",
            run="set data.layout in params.yaml: NHWC (red, green, blue of each pixel in turn) or "
            "NCHW (all red ones first)",
        )
    planar = apart < together
    value = "NCHW, all red values first" if planar else "NHWC, the colours of each pixel together"
    why = f"{seen}; neighbours are alike so"
    return planar, Inference("layout", value, why, "data.layout")


def _roughness(images: np.ndarray) -> float:
    """Mean difference of neighbours in (n, c, h, w)."""
    across = np.abs(np.diff(images, axis=3)).mean()
    return float(across + np.abs(np.diff(images, axis=2)).mean()) + 1e-12


def _no_images(shape: Iterable[int], where: str) -> DataError:
    return DataError(
        f"no images have the shape {tuple(shape)}",
        where=where,
        expected="(N, height, width), (N, height, width, 1, 3 or 4), (N, 1, 3 or 4, height, width) "
        "or rows of as many numbers as a square image has",
        run="np.moveaxis(images, -1, 0) if the images are along the last axis",
    )


def check_contrast(mean: list[float], deviation: list[float]) -> Inference | None:
    """A warning where the images, as they were read, show next to nothing.

    Args:
        mean, deviation: of each channel of the training images, from 0 to 255.
    """
    if max(deviation) >= FLAT:
        return None
    seen = f"mean {max(mean):.1f}, standard deviation {max(deviation):.1f} of 255"
    return Inference("contrast", "nearly all of one level", seen, "data.range", doubtful=True)
