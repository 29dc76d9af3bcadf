"""Preparing as a whole: any source becomes a store, the same bytes every time."""

import csv
import gzip
import hashlib
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganflow.base.errors import DataError
from ganflow.base.store import SPLITS, Store, open_store
from ganflow.config.data import DataParams
from ganflow.data.prepare import prepare

CLASSES = ("cat", "dog", "owl")


def picture(seed: int, side: int = 16, colour: bool = True, detail: int = 4) -> Image.Image:
    rng = np.random.default_rng(seed)
    shape = (detail, detail, 3) if colour else (detail, detail)
    coarse = rng.integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def a_folder(folder: Path, images: int = 60, **options: Any) -> Path:
    for number in range(images):
        place = folder / CLASSES[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        picture(number, **options).save(place / f"{number:03d}.png")
    return folder


def prepared(raw: Path, store: Path, workers: int = 0, **data: Any) -> Store:
    store.mkdir()
    prepare(DataParams(**{"source": "set", "test_share": 0.1, **data}), raw, store, workers)
    return open_store(store)


def contents(store: Store) -> dict[str, str]:
    return {
        str(path.relative_to(store.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.folder.rglob("*"))
        if path.is_file()
    }


def all_images(store: Store) -> dict[bytes, tuple[str, str | None]]:
    """Every image, with its split and class."""
    found = {}
    for name in SPLITS:
        split = store.split(name)
        for place, image in enumerate(split.images):
            label = None if split.labels is None else store.classes[split.labels[place]]
            found[image.tobytes()] = (str(name), label)
    return found


def rejected(store: Store) -> list[list[str]]:
    return list(csv.reader((store.folder / "rejected.csv").read_text().splitlines()))[1:]


def test_a_folder_of_folders_is_a_labelled_set(tmp_path: Path) -> None:
    a_folder(tmp_path / "set")
    store = prepared(tmp_path, tmp_path / "store")
    assert store.classes == CLASSES
    assert store.shape == (16, 16, 3)
    images = all_images(store)
    assert len(images) == sum(store.card["splits"].values()) == 60
    for number in (0, 17, 59):
        assert images[picture(number).tobytes()][1] == CLASSES[number % 3]
    assert not (tmp_path / "store" / ".scratch").exists()


def pack(source: Path, target: Path, kind: str) -> None:
    if kind == "folder":
        shutil.copytree(source, target)
    elif kind == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(source.rglob("*.png"), reverse=True):
                archive.write(path, path.relative_to(source.parent))
    else:
        with tarfile.open(target, kind) as archive:  # type: ignore[call-overload]
            archive.add(source, "anything")


def test_however_it_is_packed_the_store_is_the_same(tmp_path: Path) -> None:
    source = a_folder(tmp_path / "pictures")
    found = {}
    for kind in ("folder", "zip", "w", "w:gz", "w:xz"):
        raw = tmp_path / f"raw-{kind}"
        raw.mkdir()
        pack(source, raw / "set", kind)
        store = contents(prepared(raw, tmp_path / f"store-{kind}"))
        del store["dataset.json"]  # names the format
        found[kind] = store
    assert all(store == found["folder"] for store in found.values())


def test_the_order_of_reading_and_the_workers_change_no_byte(tmp_path: Path) -> None:
    source = a_folder(tmp_path / "set", images=150)
    one = contents(prepared(tmp_path, tmp_path / "one"))
    moved = tmp_path / "other" / "set"
    for path in sorted(source.rglob("*.png"), reverse=True):
        (moved / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, moved / path.parent.name)
    assert contents(prepared(tmp_path / "other", tmp_path / "two", workers=2)) == one


def test_adding_pictures_moves_no_old_one(tmp_path: Path) -> None:
    a_folder(tmp_path / "set", images=60)
    before = all_images(prepared(tmp_path, tmp_path / "before"))
    a_folder(tmp_path / "set", images=120)
    after = all_images(prepared(tmp_path, tmp_path / "after"))
    assert len(after) == 120
    assert before.items() <= after.items()


def test_official_splits_are_kept_and_leaks_are_dropped(tmp_path: Path) -> None:
    a_folder(tmp_path / "set" / "train", images=60)
    for number in (100, 101, 102, 0):  # number 0 is a training picture as well
        place = tmp_path / "set" / "test" / CLASSES[number % 3 if number else 0]
        place.mkdir(parents=True, exist_ok=True)
        picture(number).save(place / f"{number}.png", compress_level=1)
    store = prepared(tmp_path, tmp_path / "store")
    assert store.card["splits"]["test"] == 4
    assert all_images(store)[picture(0).tobytes()] == ("test", "cat")
    assert store.card["duplicates"]["dropped"] == 1
    assert [row[:2] for row in rejected(store)] == [["train/cat/000.png", "duplicate"]]


def test_copies_within_a_split_are_counted_and_dropped_on_request(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "set" / "train", images=60) / CLASSES[0]
    for path in sorted(folder.glob("*.png"))[:4]:
        shutil.copy(path, folder / f"copy of {path.name}")
    kept = prepared(tmp_path, tmp_path / "kept", splits="none")
    assert kept.card["duplicates"] == {"copies": 4, "dropped": 0}
    dropped = prepared(tmp_path, tmp_path / "dropped", splits="none", duplicates="drop")
    assert dropped.card["duplicates"] == {"copies": 4, "dropped": 4}
    assert sum(dropped.card["splits"].values()) == 60
    assert len(rejected(dropped)) == 4


def test_labels_csv_overrules_folders(tmp_path: Path) -> None:
    a_folder(tmp_path / "set", images=60)
    lines = ["file,label,split"]
    for path in sorted((tmp_path / "set").rglob("*.png")):
        number = int(path.stem)
        lines.append(f"{path.relative_to(tmp_path / 'set')},{'odd' if number % 2 else 'even'},")
    (tmp_path / "set" / "labels.csv").write_text("\n".join(lines))
    store = prepared(tmp_path, tmp_path / "store")
    assert store.classes == ("even", "odd")
    assert all_images(store)[picture(7).tobytes()][1] == "odd"


def test_pictures_without_folders_have_no_labels(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for number in range(60):
        picture(number, colour=False).save(tmp_path / "set" / f"{number}.png")
    store = prepared(tmp_path, tmp_path / "store")
    assert store.classes == ()
    assert store.shape == (16, 16, 1)
    assert not list((tmp_path / "store").rglob("labels.npy"))


def test_numbered_classes_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "set", images=images, labels=np.arange(600) % 12)
    (tmp_path / "set.npz").rename(tmp_path / "set")
    assert prepared(tmp_path, tmp_path / "store").classes == tuple(map(str, range(12)))


def test_arrays_are_resized_like_pictures(tmp_path: Path) -> None:
    a_folder(tmp_path / "folder" / "set", side=32)
    (tmp_path / "array").mkdir()
    stacked = np.stack([np.asarray(picture(number, 32)) for number in range(60)])
    np.savez(tmp_path / "array" / "set.npz", images=stacked, labels=np.arange(60) % 3)
    (tmp_path / "array" / "set.npz").rename(tmp_path / "array" / "set")
    pictures = prepared(tmp_path / "folder", tmp_path / "one", resolution=8, mode="L")
    arrays = prepared(tmp_path / "array", tmp_path / "two", resolution=8, mode="L")
    assert all_images(pictures).keys() == all_images(arrays).keys()


@pytest.mark.parametrize("kind", ["folder", "arrays"])
def test_oblong_images_stay_oblong_and_can_be_made_so(tmp_path: Path, kind: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (90, 24, 40, 3), dtype=np.uint8)
    if kind == "folder":
        (tmp_path / "set").mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / "set" / f"{number}.png")
    else:
        np.save(tmp_path / "set.npy", images)
        (tmp_path / "set.npy").rename(tmp_path / "set")
    store = prepared(tmp_path, tmp_path / "own")
    assert store.shape == (24, 40, 3)
    assert all_images(store).keys() == {image.tobytes() for image in images}
    made = prepared(tmp_path, tmp_path / "made", resolution=[12, 20])
    assert made.shape == (12, 20, 3)
    assert len(all_images(made)) == 90
    assert prepared(tmp_path, tmp_path / "square", resolution=16).shape == (16, 16, 3)


def test_classes_limit_and_balance(tmp_path: Path) -> None:
    a_folder(tmp_path / "set", images=90)
    for path in sorted((tmp_path / "set" / "dog").iterdir())[:15]:
        path.unlink()
    chosen = prepared(tmp_path, tmp_path / "chosen", classes=["cat", "owl"])
    assert chosen.classes == ("cat", "owl")
    assert chosen.card["left_out"]["by_class"] == 15
    balanced = prepared(tmp_path, tmp_path / "balanced", balance=True)
    assert len(set(balanced.card["class_counts"]["train"])) == 1
    limited = prepared(tmp_path, tmp_path / "limited", limit=20)
    assert limited.card["splits"]["train"] == 20
    whole = prepared(tmp_path, tmp_path / "whole")
    np.testing.assert_array_equal(limited.split("train").images, whole.split("train").images[:20])
    for name in ("validation", "test"):
        np.testing.assert_array_equal(limited.split(name).images, whole.split(name).images)
    with pytest.raises(DataError, match=r"`cot`.*did you mean `cat`"):
        prepared(tmp_path, tmp_path / "none", classes=["cot"])


def test_bad_files_are_named_and_never_used(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "set")
    (folder / "cat" / "cut.png").write_bytes((folder / "cat" / "000.png").read_bytes()[:40])
    (folder / "cat" / "text.png").write_text("no picture")
    (folder / "cat" / "link.png").symlink_to("/etc/passwd")
    (folder / "cat" / "empty.png").touch()
    (folder / "stray.png").write_bytes((folder / "cat" / "000.png").read_bytes())
    (folder / "cat" / "=1+1.png").write_text("no picture")
    (folder / "README.md").write_text("about")
    with pytest.raises(DataError, match=r"(?s)at least [1-6] of 66 files.*max_rejected"):
        prepared(tmp_path, tmp_path / "strict")
    store = prepared(tmp_path, tmp_path / "store", max_rejected=0.1)
    assert sum(store.card["splits"].values()) == 60
    assert {row[0]: row[1] for row in rejected(store)} == {
        "README.md": "aside",
        "cat/=1+1.png": "no_picture",
        "cat/cut.png": "unreadable",
        "cat/empty.png": "empty",
        "cat/link.png": "link",
        "cat/text.png": "no_picture",
        "stray.png": "unlabelled",
    }
    assert store.card["rejected"]["faults"] == 6


def test_an_archive_that_leads_out_is_quarantined(tmp_path: Path) -> None:
    source = a_folder(tmp_path / "pictures")
    with zipfile.ZipFile(tmp_path / "set", "w") as archive:
        for path in source.rglob("*.png"):
            archive.write(path, path.relative_to(source))
        archive.writestr("../../outside.png", b"x")
        archive.writestr("/etc/outside.png", b"x")
    store = prepared(tmp_path, tmp_path / "store", max_rejected=0.1)
    assert [row[:2] for row in rejected(store)] == [
        ["../../outside.png", "name"],
        ["/etc/outside.png", "name"],
    ]
    assert not list(tmp_path.glob("**/outside.png"))


def test_look_alikes_are_reported_and_dropped_on_request(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "set", side=64, detail=12)
    for number in range(0, 60, 6):
        picture(number, 64, detail=12).save(
            folder / CLASSES[number % 3] / f"again{number}.jpg", quality=90
        )
    reported = prepared(tmp_path, tmp_path / "reported")
    assert reported.card["near_duplicates"]["pairs"] == 10
    assert sum(reported.card["splits"].values()) == 70
    dropped = prepared(tmp_path, tmp_path / "dropped", near_duplicates="drop")
    gone = dropped.card["near_duplicates"]["dropped"]
    assert 0 < gone <= 10
    assert len([row for row in rejected(dropped) if row[1] == "near_duplicate"]) == gone
    assert (
        prepared(tmp_path, tmp_path / "x", near_duplicates="ignore")
        .card.keys()
        .isdisjoint({"near_duplicates"})
    )


def test_stacked_images_have_three_of_the_split_s_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (400, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(400) % 10)
    (tmp_path / "set.npz").rename(tmp_path / "set")
    plain = prepared(tmp_path, tmp_path / "plain")
    store = prepared(tmp_path, tmp_path / "stacked", stacked=5000)
    assert store.shape == (8, 8, 3)
    assert len(store.classes) == 1000
    assert store.card["splits"]["train"] == 5000
    assert store.classes[307] == "3·0·7"
    for name in SPLITS:
        split, source = store.split(name), plain.split(name)
        assert split.labels is not None
        assert source.labels is not None
        known = {image.tobytes(): label for image, label in zip(*source_pairs(source), strict=True)}
        for image, label in list(zip(split.images, split.labels, strict=True))[:200]:
            digits = [known[np.ascontiguousarray(image[..., c]).tobytes()] for c in range(3)]
            assert digits[0] * 100 + digits[1] * 10 + digits[2] == label


def source_pairs(split: Any) -> tuple[Any, Any]:
    return split.images, split.labels


@pytest.mark.parametrize("images", [1, 3])
def test_too_few_pictures_are_an_error_that_says_so(tmp_path: Path, images: int) -> None:
    a_folder(tmp_path / "set", images=images)
    with pytest.raises(DataError, match=r"no image is left|no training image"):
        prepared(tmp_path, tmp_path / "store")


def test_nothing_and_nonsense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no `set`"):
        prepared(tmp_path, tmp_path / "a")
    (tmp_path / "set").write_bytes(gzip.compress(b"nonsense"))
    with pytest.raises(DataError, match="nothing that can be read"):
        prepared(tmp_path, tmp_path / "b")
    (tmp_path / "set").unlink()
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError, match="no picture"):
        prepared(tmp_path, tmp_path / "c")


def test_a_file_that_changes_while_it_is_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_folder(tmp_path / "set")
    growing = tmp_path / "set" / "cat" / "000.png"
    size = growing.stat().st_size
    honest = os.fstat

    def status_of(descriptor: int) -> os.stat_result:
        status = honest(descriptor)
        if status.st_ino == growing.stat().st_ino:
            with growing.open("ab") as stream:
                stream.write(b"x")
        return status

    monkeypatch.setattr(os, "fstat", status_of)
    store = prepared(tmp_path, tmp_path / "store", max_rejected=0.1, resolution=16, mode="RGB")
    assert growing.stat().st_size > size
    assert [row[:2] for row in rejected(store)] == [["cat/000.png", "changed"]]


def test_the_card_holds_what_auto_became(tmp_path: Path) -> None:
    for number in range(60):
        place = tmp_path / "set" / CLASSES[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        picture(number, 100 + number, colour=False).save(place / f"{number}.png")
    card = prepared(tmp_path, tmp_path / "store").card
    assert (card["form"]["height"], card["form"]["width"]) == (64, 64)
    assert card["form"]["mode"] == "L"
    assert card["shape"] == [64, 64, 1]
    images = open_store(tmp_path / "store").split("train").images
    assert card["statistics"]["mean"] == [round(float(images.mean()), 4)]
    assert card["statistics"]["std"][0] == pytest.approx(float(images.std()), abs=1e-3)
    assert "null" not in json.dumps(card)


def test_a_labels_csv_that_is_too_large_is_refused(tmp_path: Path) -> None:
    a_folder(tmp_path / "set")
    with (tmp_path / "set" / "labels.csv").open("wb") as stream:
        stream.truncate(10**10)  # a hole
    with pytest.raises(DataError, match=r"(?s)10000000000 bytes.*labels\.csv"):
        prepared(tmp_path, tmp_path / "store")


def test_copies_of_a_dropped_look_alike_go_with_it(tmp_path: Path) -> None:
    for number in range(60):
        place = tmp_path / "set" / "train" / CLASSES[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        picture(number, 64, detail=12).save(place / f"{number}.png")
    twin = tmp_path / "set" / "train" / "cat" / "twin.png"
    picture(0, 64, detail=12).save(twin, compress_level=1)
    place = tmp_path / "set" / "test" / "cat"
    place.mkdir(parents=True)
    picture(0, 64, detail=12).save(place / "test.jpg", quality=90)
    store = prepared(tmp_path, tmp_path / "store", near_duplicates="drop")
    assert {row[0] for row in rejected(store)} == {"train/cat/0.png", "train/cat/twin.png"}
