"""Look-alikes: found through resizing and recompressing, and not where there are none."""

import io

import numpy as np
from PIL import Image, ImageEnhance

from ganflow.data.near_duplicates import keep_one, near_pairs, perceptual_hashes


def photos(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random images: uint8 (count, 48, 48, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 7, 7, 3), dtype=np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(c).resize((48, 48), Image.Resampling.BICUBIC)) for c in coarse]
    )


def recompressed(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream))


def resized(image: np.ndarray) -> np.ndarray:
    small = Image.fromarray(image).resize((30, 30), Image.Resampling.LANCZOS)
    return np.asarray(small.resize((48, 48), Image.Resampling.LANCZOS))


def brightened(image: np.ndarray) -> np.ndarray:
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(1.1))


def pairs_in(images: np.ndarray, distance: int = 6) -> set[tuple[int, int]]:
    pairs = near_pairs(perceptual_hashes(images), distance, lambda places: images[places])
    return {(int(one), int(other)) for one, other in pairs}


def test_changed_copies_are_found_and_nothing_else() -> None:
    originals = photos(300)
    copies = [change(originals[i]) for i, change in enumerate((recompressed, resized, brightened))]
    images = np.concatenate([originals, np.stack(copies)])
    assert pairs_in(images) == {(0, 300), (1, 301), (2, 302)}


def test_a_crowd_of_equals_takes_no_quadratic_time() -> None:
    images = np.repeat(photos(1), 5000, axis=0)[:, :8, :8, :1].copy()
    found = near_pairs(perceptual_hashes(images), 6, lambda places: images[places])
    assert 5000 <= len(found) <= 4 * 8 * 5000


def test_one_of_a_group_stays_and_a_test_split_stays_whole() -> None:
    splits = np.array([0, 0, 0, 1, 2, 2, 0, 0, 1], np.int8)
    pairs = np.array([[0, 1], [1, 2], [3, 6], [4, 5], [5, 7]])
    np.testing.assert_array_equal(keep_one(splits, pairs, 0), [0, -1, -1, 1, 2, 2, -1, -1, 1])


def test_no_pairs_change_nothing() -> None:
    splits = np.array([0, 1, 2], np.int8)
    np.testing.assert_array_equal(keep_one(splits, np.empty((0, 2), np.int64), 0), splits)
