"""What is inferred: each decision from the whole set, in words, or refused where two fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.config.data import DataParams, SplitFolders
from ganflow.data.inference import (
    LEFT_OUT,
    Evidence,
    Inference,
    Values,
    check_contrast,
    infer_background,
    infer_colour,
    infer_labels,
    infer_layout,
    infer_range,
    infer_splits,
    words,
)
from ganflow.data.readers.pictures import as_bytes
from ganflow.data.splits import TEST, TRAIN, VALIDATION

AUTO = DataParams()


def ranged(array: np.ndarray, data: DataParams = AUTO) -> tuple[tuple[float, float], Inference]:
    values = Values()
    for block in np.array_split(array, 3):
        values.add(block)
    return infer_range(values, array.dtype, data, "set")


def spread(low: float, high: float, kind: type) -> np.ndarray:
    """Numbers of one type from the least to the greatest."""
    return np.append(np.linspace(low, high, 999), [high] * 4).astype(kind)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (spread(0, 1.9, np.uint8), (0, 1)),
        (spread(0, 1.9, np.int64), (0, 1)),
        (spread(0, 1.9, np.uint8).astype(np.float32), (0, 1)),
        (spread(0, 1.9, np.uint8).astype(bool), (0, 1)),
        (spread(0, 255, np.uint8), (0, 255)),
        (spread(3, 180, np.uint8), (0, 255)),
        (spread(0, 255, np.uint16), (0, 255)),
        (spread(0, 255, np.int64), (0, 255)),
        (spread(0, 1023, np.int16), (0, 1023)),
        (spread(0, 4095, np.uint16), (0, 4095)),
        (spread(0, 4095, np.int32), (0, 4095)),
        (spread(0, 65535, np.uint16), (0, 65535)),
        (spread(0, 30000, np.uint16), (0, 65535)),
        (spread(0, 32767, np.int16), (0, 32767)),
        (spread(-128, 127, np.int8), (-128, 127)),
        (spread(-32768, 32767, np.int16), (-32768, 32767)),
        (spread(0, 1, np.float32), (0, 1)),
        (spread(0, 1.004, np.float32), (0, 1)),
        (spread(-0.0001, 1, np.float64), (0, 1)),
        (spread(-1, 1, np.float16), (-1, 1)),
        (spread(-1.001, 0.99, np.float32), (-1, 1)),
        (spread(0, 255, np.float32), (0, 255)),
        (spread(-0.7, 255, np.float32), (0, 255)),
        (spread(0, 4095, np.float32), (0, 4095)),
    ],
)
def test_a_range_is_read_from_the_values(array: np.ndarray, expected: tuple[float, float]) -> None:
    found, said = ranged(array)
    assert found == expected
    assert not said.doubtful
    assert str(array.dtype) in said.evidence
    assert "data.range" in str(said)


@pytest.mark.parametrize(
    "array",
    [
        spread(0, 3000, np.uint16),
        spread(0, 9000, np.uint16),
        spread(0, 200, np.int32),
        spread(0, 100, np.uint16),
        spread(0, 700, np.uint16),
        np.arange(256, dtype=np.uint16),
        spread(0, 40, np.uint8),
        spread(0, 127, np.uint8),
        spread(0, 0.2, np.float32),
    ],
)
def test_the_likelier_of_two_ranges_is_taken_with_a_warning(array: np.ndarray) -> None:
    assert ranged(array)[1].doubtful


@pytest.mark.parametrize(
    "array",
    [
        spread(0, 16, np.uint8),
        spread(0, 0.0039, np.float32),
        spread(-0.5, 0.5, np.float32),
        spread(-0.1, 1, np.float32),
        spread(-2.1, 2.6, np.float32),
        spread(-1024, 3071, np.int16),
        spread(0, 10, np.float32),
        spread(0, 10**6, np.int32),
        np.zeros(9, np.uint8),
        np.array([0.5, np.nan]),
        np.array([0.5, np.inf]),
    ],
)
def test_where_two_ranges_fit_or_none_the_line_to_set_is_named(array: np.ndarray) -> None:
    with pytest.raises(DataError) as caught:
        ranged(array)
    if np.isfinite(array).all():
        assert "data.range" in str(caught.value)
        data = DataParams(range=[float(array.min()), float(array.max()) + 1])
        assert ranged(array, data)[0] == tuple(data.range)


FAMILIES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "photographs": lambda rng: rng.beta(1.2, 1.5, (8, 16, 16)),
    "digits": lambda rng: np.clip(rng.normal(-0.8, 1, (8, 16, 16)), 0, 1),
    "masks": lambda rng: (rng.random((8, 16, 16)) < rng.uniform(0.05, 0.9)).astype(float),
    "dark scenes": lambda rng: rng.uniform(0.02, 0.5) * rng.beta(1.2, 4, (8, 16, 16)),
}
"""Pictures from 0 to 1, made by each family's own law."""

SCALES: dict[type, list[tuple[float, float]]] = {
    np.uint8: [(0, 1), (0, 255)],
    np.uint16: [(0, 1), (0, 255), (0, 4095), (0, 65535)],
    np.int16: [(0, 1), (0, 255), (0, 4095), (0, 32767)],
    np.int32: [(0, 1), (0, 255), (0, 4095), (0, 65535)],
    np.int64: [(0, 1), (0, 255), (0, 65535)],
    np.float16: [(0, 1), (-1, 1), (0, 255)],
    np.float32: [(0, 1), (-1, 1), (0, 255), (0, 4095)],
    np.float64: [(0, 1), (-1, 1), (0, 255), (0, 65535)],
}


def test_ten_thousand_sets_of_known_range_are_read_right_or_not_at_all() -> None:
    rng = np.random.default_rng(0)
    read = dict.fromkeys(FAMILIES, 0)
    for draw in range(10_000):
        family = list(FAMILIES)[draw % len(FAMILIES)]
        kind = list(SCALES)[rng.integers(len(SCALES))]
        ranges = SCALES[kind]
        low, high = ranges[rng.integers(len(ranges))]
        is_whole = np.dtype(kind).kind != "f"
        if family != "masks" and is_whole and high == 1:
            low, high = 0, 255  # only masks fit into two levels
        pictures = FAMILIES[family](rng)
        if family in ("photographs", "digits"):  # they use their whole range, in a set
            pictures = (pictures - pictures.min()) / np.ptp(pictures)
        array = (low + (high - low) * pictures).astype(np.float64)
        array = (np.rint(array) if is_whole else array).astype(kind)
        try:
            found, said = ranged(array)
        except DataError:
            continue
        read[family] += 1
        masks_alike = family == "masks" and found == (array.min(), array.max())
        assert said.doubtful or found == (low, high) or masks_alike, (family, kind, low, high, said)
    assert sum(read.values()) >= 0.95 * 10_000, read
    assert min(read.values()) >= 0.8 * 2500, read


def test_twelve_bit_scans_are_read() -> None:
    rng = np.random.default_rng(1)
    for draw in range(500):
        top = rng.integers(1500, 4096)
        kind = (np.uint16, np.int16, np.int32, np.float32)[draw % 4]
        array = np.clip(rng.gamma(2, top / 5, (8, 32, 32)), 0, top).astype(int).astype(kind)
        assert ranged(array)[0] == (0, 4095)


def test_scaling_rounds_and_clips() -> None:
    values = np.array([-1, 0, 2048, 4095, 5000])
    assert as_bytes(values, (0, 4095)).tolist() == [0, 0, 128, 255, 255]
    assert as_bytes(np.array([0, 128, 65535], np.uint16), (0, 65535)).tolist() == [0, 0, 255]
    assert as_bytes(np.array([-1, 0, 1.0]), (-1, 1)).tolist() == [0, 128, 255]
    assert as_bytes(np.arange(256, dtype=np.uint8), (0, 255)).tolist() == list(range(256))


@pytest.mark.parametrize(
    ("coloured", "mode", "expected", "doubtful"),
    [
        (0, "auto", "L", False),
        (97, "auto", "RGB", False),
        (3, "auto", "RGB", True),
        (100, "L", "L", False),
        (0, "RGB", "RGB", False),
    ],
)
def test_colour(coloured: int, mode: Any, expected: str, doubtful: bool) -> None:
    evidence = Evidence(pictures=100, coloured=coloured)
    found_mode, found = infer_colour(DataParams(mode=mode), evidence, grey=False)
    assert (found_mode, found.doubtful) == (expected, doubtful)
    assert found.value == {"L": "grey", "RGB": "RGB"}[expected]
    assert "100" in found.evidence


def test_the_background_is_what_pictures_stand_out_from() -> None:
    def background(**seen: int) -> tuple[int, Inference | None]:
        return infer_background(AUTO, Evidence(pictures=100, **seen))

    assert background() == (0, None)
    level, said = background(transparent=50, dark=40)
    assert level == 255
    assert said is not None
    assert not said.doubtful
    assert background(transparent=50, dark=10)[0] == 0
    level, said = background(transparent=50, dark=26, bright=24)
    assert said is not None
    assert said.doubtful
    assert infer_background(DataParams(background=9), Evidence(transparent=5))[0] == 9


def test_labels_that_teach_nothing_are_not_used() -> None:
    def used(counts: dict[str, int], labels: Any = "auto") -> tuple[bool, bool]:
        is_used, said = infer_labels(counts, DataParams(labels=labels))
        return is_used, said.doubtful

    assert used({"cat": 60, "dog": 40}) == (True, False)
    assert used({"cat": 100}) == (False, False)
    assert used(dict.fromkeys("abcdefghij", 2)) == (False, True)
    assert used(dict.fromkeys("abcdefghij", 2), "use") == (True, False)
    assert used({"cat": 60, "dog": 40}, "ignore") == (False, False)
    assert used({"images": 60, "masks": 60}) == (True, True)
    assert used({"0": 60, "mask 7": 60, "名": 60}) == (True, True)
    assert used({"photograph": 60, "名": 60}) == (True, False)


SPLITS: list[tuple[dict[str, bool], dict[str, int]]] = [
    ({"train": True, "test": True}, {"train": TRAIN, "test": TEST}),
    ({"Training": True, "Testing": True}, {"Training": TRAIN, "Testing": TEST}),
    ({"training_set": True, "test_set": True}, {"training_set": TRAIN, "test_set": TEST}),
    (
        {"seg_train": True, "seg_test": True, "seg_pred": False},
        {"seg_train": TRAIN, "seg_test": TEST, "seg_pred": LEFT_OUT},
    ),
    (
        {"train": True, "test": True, "single_prediction": False},
        {"train": TRAIN, "test": TEST, "single_prediction": LEFT_OUT},
    ),
    ({"train2017": False, "val2017": False}, {"train2017": TRAIN, "val2017": VALIDATION}),
    ({"TrainSet": True, "ValSet": True}, {"TrainSet": TRAIN, "ValSet": VALIDATION}),
    ({"cat": False, "dog": False}, {}),
    ({"train": False, "bus": False, "car": False}, {}),
    ({"train station": False, "airport": False}, {}),
    ({"pred": False, "prey": False}, {}),
    ({"test_tube": False, "beaker": False}, {}),
    ({}, {}),
]


@pytest.mark.parametrize(("folders", "expected"), SPLITS)
def test_splits_are_found_by_the_words_of_names(
    folders: dict[str, bool], expected: dict[str, int]
) -> None:
    found, said = infer_splits(folders, "auto", "set")
    assert found == expected
    assert (said is not None) == bool(expected)
    assert infer_splits(folders, "none", "set")[0] == {}


@pytest.mark.parametrize(
    "folders",
    [
        {"train": True, "test": True, "chest_xray": True},
        {"train": True, "extra": False},
        {"train_station": False, "test_tube": False},
        {"test": True, "val": True},
        {"test": False, "cat": False},
        {"trainA": False, "trainB": False, "testA": False},
        {"seg_train": True, "seg_test": True, "more": False},
    ],
)
def test_folders_that_may_be_splits_or_classes_are_refused(folders: dict[str, bool]) -> None:
    with pytest.raises(DataError, match="named like splits") as caught:
        infer_splits(folders, "auto", "set")
    assert "data.splits" in str(caught.value)
    given = SplitFolders(train=[sorted(folders)[0]])
    found, _ = infer_splits(folders, given, "set")
    assert sorted(found.values()) == [LEFT_OUT] * (len(folders) - 1) + [TRAIN]


def test_a_split_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="`trian`"):
        infer_splits({"train": True}, SplitFolders(train=["trian"]), "set")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("seg_train", ["seg", "train"]),
        ("TrainSet", ["train", "set"]),
        ("val2017", ["val"]),
        ("TEST", ["test"]),
        ("x_train", ["x", "train"]),
    ],
)
def test_words(name: str, expected: list[str]) -> None:
    assert words(name) == expected


def smooth(n: int, channels_first: bool) -> np.ndarray:
    ramp = np.add.outer(np.arange(32), np.arange(32)) * 4 % 256
    images = np.stack([np.stack([ramp, 255 - ramp, np.full((32, 32), 9)], -1)] * n)
    return images.transpose(0, 3, 1, 2) if channels_first else images


@pytest.mark.parametrize(
    ("shape", "expected", "first"),
    [
        ((28, 28), (28, 28, 1), False),
        ((28, 28, 1), (28, 28, 1), False),
        ((24, 40, 3), (24, 40, 3), False),
        ((3, 24, 40), (24, 40, 3), True),
        ((1, 28, 28), (28, 28, 1), True),
        ((784,), (28, 28, 1), False),
        ((784, 1), (28, 28, 1), False),
    ],
)
def test_layouts(shape: tuple[int, ...], expected: tuple[int, int, int], first: bool) -> None:
    found, channels_first, _ = infer_layout(shape, lambda: np.zeros((1, *shape)), AUTO, "set")
    assert (found, channels_first) == (expected, first)


@pytest.mark.parametrize("channels_first", [True, False])
def test_the_order_of_colours_in_rows_is_seen_in_the_pixels(channels_first: bool) -> None:
    rows = smooth(4, channels_first).reshape(4, -1)
    found, first, said = infer_layout((3072,), lambda: rows, AUTO, "set")
    assert (found, first) == ((32, 32, 3), channels_first)
    assert said is not None
    given = DataParams(layout="NCHW")
    assert infer_layout((3072,), lambda: rows, given, "set")[1]


@pytest.mark.parametrize(
    "shape", [(3, 32, 3), (32, 32, 2), (1000,), (32, 32, 3, 60000), (5, 5, 5), (1, 7)]
)
def test_a_layout_that_is_not_clear_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError):
        infer_layout(shape, lambda: np.zeros((1, *shape)), AUTO, "set")


def test_rows_of_noise_have_no_clear_layout() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (9, 3072))
    with pytest.raises(DataError, match="together or apart"):
        infer_layout((3072,), lambda: rows, AUTO, "set")


def test_images_that_show_nothing_are_warned_of() -> None:
    assert check_contrast([33.0], [70.0]) is None
    said = check_contrast([1.2], [0.8])
    assert said is not None
    assert said.doubtful


def test_an_inference_is_one_line_for_people() -> None:
    line = str(Inference("range", "0 to 4095", "uint16 values from 0 to 4090", "data.range"))
    assert line == (
        "range: 0 to 4095 (uint16 values from 0 to 4090; "
        "to change it, set data.range in params.yaml)"
    )
