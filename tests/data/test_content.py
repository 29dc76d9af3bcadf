"""Sources as people have them, through `prepare`: content decides, and every guess is said."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganflow.base.errors import DataError
from ganflow.base.store import SPLITS, Store, open_store
from ganflow.config.data import DataParams
from ganflow.data.prepare import prepare

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (60, 16, 16), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)


def prepared(folder: Path, **data: Any) -> Store:
    """Prepare `folder`/set, and read the result."""
    store = folder / "store"
    store.mkdir()
    prepare(DataParams(source="set", **data), folder, store, workers=0)
    return open_store(store)


def images_of(store: Store) -> set[bytes]:
    return {image.tobytes() for name in SPLITS for image in store.split(name).images}


def said(store: Store, what: str) -> dict[str, Any]:
    (found,) = [entry for entry in store.card["inferred"] if entry["what"] == what]
    return dict(found)


def write(folder: Path, pictures: np.ndarray, place: str = "{n:03}.png", **options: Any) -> Path:
    for n, picture in enumerate(pictures):
        path = folder / place.format(n=n, c="abc"[n % 3])
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, **options)
    return folder


def png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


# What holds the numbers


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, bool])
def test_a_mask_of_zeros_and_ones_is_black_and_white(tmp_path: Path, kind: type) -> None:
    masks = GREY > 127
    np.save(tmp_path / "set.npy", masks.astype(kind))
    (tmp_path / "set.npy").rename(tmp_path / "set")
    store = prepared(tmp_path)
    assert images_of(store) == {(mask * np.uint8(255)).tobytes() for mask in masks}
    assert said(store, "range")["value"] == "0 to 1"


def test_pictures_of_zeros_and_ones_are_black_and_white(tmp_path: Path) -> None:
    masks = (GREY > 127).astype(np.uint8)
    write(tmp_path / "set", masks)
    store = prepared(tmp_path)
    assert images_of(store) == {(mask * np.uint8(255)).tobytes() for mask in masks}


def test_twelve_bits_in_pictures_of_sixteen_use_the_whole_range(tmp_path: Path) -> None:
    scans = RNG.integers(0, 4096, (60, 16, 16), dtype=np.uint16)
    write(tmp_path / "set", scans)
    store = prepared(tmp_path)
    assert said(store, "range")["value"] == "0 to 4095"
    expected = {np.rint(scan * (255 / 4095)).astype(np.uint8).tobytes() for scan in scans}
    assert images_of(store) == expected


def test_pictures_of_floating_point_numbers_are_read(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY.astype(np.float32) / 255, place="{n:03}.tif")
    assert images_of(prepared(tmp_path)) == {image.tobytes() for image in GREY}


def test_a_range_can_be_set(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", GREY.astype(np.int16) * 16 - 1000)
    (tmp_path / "set.npy").rename(tmp_path / "set")
    with pytest.raises(DataError, match="negative"):
        prepared(tmp_path)
    (tmp_path / "store").rmdir()
    assert images_of(prepared(tmp_path, range=[-1000, 3080])) == {i.tobytes() for i in GREY}


def test_nan_is_refused(tmp_path: Path) -> None:
    images = GREY.astype(np.float32) / 255
    images[7, 3, 3] = np.nan
    np.save(tmp_path / "set.npy", images)
    (tmp_path / "set.npy").rename(tmp_path / "set")
    with pytest.raises(DataError, match="NaN"):
        prepared(tmp_path)


# Layouts and labels of arrays


@pytest.mark.parametrize(
    "reshape",
    [
        lambda images: images.transpose(0, 3, 1, 2),
        lambda images: images,
    ],
    ids=["NCHW", "NHWC"],
)
def test_channels_first_or_last(tmp_path: Path, reshape: Callable[[Any], np.ndarray]) -> None:
    np.savez(tmp_path / "set", images=np.ascontiguousarray(reshape(COLOUR)))
    (tmp_path / "set.npz").rename(tmp_path / "set")
    assert images_of(prepared(tmp_path)) == {image.tobytes() for image in COLOUR}


@pytest.mark.parametrize(
    "labels",
    [
        np.eye(3)[np.arange(60) % 3],
        np.arange(60, dtype=np.float32) % 3,
        np.arange(60)[:, None] % 3,
        (np.arange(60) % 3).astype("U"),
    ],
    ids=["one-hot", "floats", "column", "text"],
)
def test_labels_of_every_form_mean_the_same(tmp_path: Path, labels: np.ndarray) -> None:
    np.savez(tmp_path / "set", a=GREY.reshape(60, 256), b=labels)
    (tmp_path / "set.npz").rename(tmp_path / "set")
    store = prepared(tmp_path)
    assert store.classes == ("0", "1", "2")
    assert images_of(store) == {image.tobytes() for image in GREY}
    for name in SPLITS:
        split = store.split(name)
        assert split.labels is not None
        for image, label in zip(split.images, split.labels, strict=True):
            (place,) = np.flatnonzero((image[..., 0] == GREY).all(axis=(1, 2)))
            assert place % 3 == label


def test_an_array_that_is_neither_is_not_used_and_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "set", images=GREY, labels=np.arange(60) % 3, ids=np.arange(60))
    (tmp_path / "set.npz").rename(tmp_path / "set")
    assert "`ids` is not used" in said(prepared(tmp_path), "arrays")["value"]


def test_two_arrays_that_may_be_the_images_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "set", a=GREY, b=GREY)
    (tmp_path / "set.npz").rename(tmp_path / "set")
    with pytest.raises(DataError, match="may both be the images"):
        prepared(tmp_path)


def test_objects_are_refused_with_what_to_write(tmp_path: Path) -> None:
    np.savez(tmp_path / "set", images=GREY, labels=np.array(["a"] * 60, dtype=object))
    (tmp_path / "set.npz").rename(tmp_path / "set")
    with pytest.raises(DataError, match=r"astype\('U'\)"):
        prepared(tmp_path)


def test_fractions_are_no_labels_unless_they_are_ignored(tmp_path: Path) -> None:
    np.savez(tmp_path / "set", images=GREY, y=np.linspace(0, 1, 60))
    (tmp_path / "set.npz").rename(tmp_path / "set")
    with pytest.raises(DataError, match=r"data\.labels: ignore"):
        prepared(tmp_path)
    (tmp_path / "store").rmdir()
    assert prepared(tmp_path, labels="ignore").classes == ()


# Classes and splits of folders


def test_one_class_is_no_label(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY[:40], "train/faces/{n}.png")
    write(tmp_path / "set", GREY[40:], "test/faces/{n}.png")
    store = prepared(tmp_path)
    assert store.classes == ()
    assert "one class" in said(store, "labels")["evidence"]


def test_few_images_a_class_make_an_unlabelled_set(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY, "person{n}/{n}.png")
    store = prepared(tmp_path)
    assert store.classes == ()
    assert said(store, "labels")["doubtful"]
    assert sum(store.card["splits"].values()) == 60


@pytest.mark.parametrize(
    ("train", "test", "rest"),
    [
        ("training_set/training_set", "test_set/test_set", None),
        ("seg_train/seg_train", "seg_test/seg_test", "seg_pred/seg_pred/{n}.png"),
        ("train", "test", "single_prediction/{n}.png"),
        ("Training", "Testing", None),
    ],
)
def test_splits_of_other_names(tmp_path: Path, train: str, test: str, rest: str | None) -> None:
    write(tmp_path / "set", GREY[:40], f"{train}/{{c}}/{{n}}.png")
    write(tmp_path / "set", GREY[40:55], f"{test}/{{c}}/{{n}}.png")
    if rest:
        write(tmp_path / "set", GREY[55:], rest)
    store = prepared(tmp_path)
    assert store.classes == ("a", "b", "c")
    assert store.card["splits"]["test"] == 15
    assert sum(store.card["splits"].values()) == 55
    assert store.card["rejected"]["kinds"].get("aside", 0) == (5 if rest else 0)
    assert said(store, "splits")["setting"] == "data.splits: none"


def test_a_second_copy_of_the_set_is_no_class(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY, "{c}/{n}.png")
    write(tmp_path / "set", GREY, "backup/{c}/{n}.png")
    with pytest.raises(DataError, match=r"backup \(6\d\)|backup \(5\d\)"):
        prepared(tmp_path)
    (tmp_path / "store" / ".scratch").exists()


def test_splits_beside_a_copy_of_them_are_asked_about(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY[:40], "train/{c}/{n}.png")
    write(tmp_path / "set", GREY[40:], "test/{c}/{n}.png")
    write(tmp_path / "set", GREY, "chest_xray/train/{c}/{n}.png")
    with pytest.raises(DataError, match="chest_xray"):
        prepared(tmp_path)
    (tmp_path / "store").rmdir()
    store = prepared(tmp_path, splits={"train": ["train"], "test": ["test"]})
    assert store.classes == ("a", "b", "c")
    assert store.card["splits"]["test"] == 20


def test_images_can_be_excluded_by_name_and_by_content(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY)
    by_content = hashlib.sha256((tmp_path / "set" / "007.png").read_bytes()).hexdigest()
    (tmp_path / "set" / "007.png").rename(tmp_path / "set" / "again.png")
    store = prepared(tmp_path, exclude=["003.png", by_content, "lost.png"])
    assert images_of(store) == {i.tobytes() for n, i in enumerate(GREY) if n not in (3, 7)}
    assert store.card["excluded"] == 2
    found = said(store, "excluded")
    assert found["value"] == "2 images"
    assert "lost.png" in found["evidence"]


# Colour and background


def test_colour_files_of_grey_pictures_make_a_grey_set(tmp_path: Path) -> None:
    write(tmp_path / "set", np.repeat(GREY[..., None], 3, axis=-1))
    store = prepared(tmp_path)
    assert store.shape == (16, 16, 1)
    assert images_of(store) == {image.tobytes() for image in GREY}


def test_a_few_colours_among_grey_pictures_are_said(tmp_path: Path) -> None:
    write(tmp_path / "set", np.concatenate([np.repeat(GREY[..., None], 3, -1)[:57], COLOUR[57:]]))
    store = prepared(tmp_path)
    assert store.shape == (16, 16, 3)
    assert said(store, "colour")["doubtful"]
    assert "3 of 60" in said(store, "colour")["evidence"]


def icons(level: int) -> np.ndarray:
    """Shapes of one level on transparent ground, stored as black: RGBA."""
    shapes = np.zeros((60, 16, 16, 4), np.uint8)
    for n, shape in enumerate(shapes):
        place = n % 8
        shape[place : place + 4 + n % 5, 2 : 4 + n // 8] = (level, level, level, 255)
    return shapes


@pytest.mark.parametrize(("level", "background"), [(0, 255), (20, 255), (255, 0), (128, 0)])
@pytest.mark.parametrize("kind", ["pictures", "array"])
def test_icons_stand_out_from_the_background(
    tmp_path: Path, level: int, background: int, kind: str
) -> None:
    shapes = icons(level)
    if kind == "pictures":
        write(tmp_path / "set", shapes)
    else:
        np.save(tmp_path / "set.npy", shapes)
        (tmp_path / "set.npy").rename(tmp_path / "set")
    store = prepared(tmp_path, near_duplicates="ignore", validation_share=0.2, test_share=0.2)
    assert said(store, "background")["value"].startswith(str(background))
    values = np.unique(np.frombuffer(b"".join(images_of(store)), np.uint8))
    assert values.tolist() == sorted({level, background})


# What files hold, whatever their names


def test_names_of_papers_may_be_those_of_pictures(tmp_path: Path) -> None:
    names = ["license.png", "copying.png", "readme.png", "citation.png", "labels.json", "x.txt"]
    write(tmp_path / "set", GREY[:54], "license/{n}.png")
    write(tmp_path / "set", GREY[54:], "other/{n}.png")
    for n, name in enumerate(names):
        (tmp_path / "set" / "other" / f"{n}.png").rename(tmp_path / "set" / "other" / name)
    (tmp_path / "set" / "LICENSE").write_text("to all")
    (tmp_path / "set" / "other" / "annotations.json").write_text("{}")
    store = prepared(tmp_path)
    assert images_of(store) == {image.tobytes() for image in GREY}
    assert store.card["rejected"]["kinds"] == {"aside": 2}


def test_what_systems_leave_behind_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY, "{c}/{n}.png")
    write(tmp_path / "set", GREY[:5], "@eaDir/{n}.png/SYNOPHOTO_THUMB_M.jpg")
    write(tmp_path / "set", GREY[:2], "__MACOSX/{c}/._{n}.png")
    (tmp_path / "set" / "a" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    store = prepared(tmp_path)
    assert store.classes == ("a", "b", "c")
    assert store.card["rejected"] == {"faults": 0, "kinds": {"aside": 8}}


@pytest.mark.parametrize(
    "member",
    [
        "./{c}/{n}.png",
        "set\\{c}\\{n}.png",
        ".\\set\\{c}\\{n}.png",
        "set//{c}/{n}.PNG",
        "./set/./{c}/{n}",
    ],
)
@pytest.mark.parametrize("container", ["zip", "tar"])
def test_members_keep_their_labels_however_their_names_are_written(
    tmp_path: Path, member: str, container: str
) -> None:
    contents = {member.format(c="abc"[n % 3], n=n): png(p) for n, p in enumerate(GREY)}
    if container == "zip":
        with zipfile.ZipFile(tmp_path / "set", "w") as archive:
            for name, content in contents.items():
                info = zipfile.ZipInfo("x")
                info.filename = name
                archive.writestr(info, content)
    else:
        with tarfile.open(tmp_path / "set", "w") as tar:
            root = tarfile.TarInfo("./")
            root.type = tarfile.DIRTYPE
            tar.addfile(root)
            for name, content in contents.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    store = prepared(tmp_path)
    assert store.classes == ("a", "b", "c")
    assert images_of(store) == {image.tobytes() for image in GREY}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_of_every_method(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "set", "w", method) as archive:
        for n, picture in enumerate(GREY):
            archive.writestr(f"{n}.png", png(picture))
        archive.writestr("readme.md", "about")
    assert images_of(prepared(tmp_path)) == {image.tobytes() for image in GREY}


def test_several_archives_are_named(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in ("train.zip", "test.zip"):
        with zipfile.ZipFile(tmp_path / "set" / name, "w") as archive:
            archive.writestr("a.png", png(GREY[0]))
    with pytest.raises(DataError, match=r"several archives: test\.zip, train\.zip"):
        prepared(tmp_path)


@pytest.mark.parametrize(
    "name", ["{n}.pgm", "{n}.ppm", "{n}.bmp", "{n}.webp", "{n}.avif", "{n}.tif", "{n}.gif"]
)
def test_formats(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name.endswith("webp") else {}
    write(tmp_path / "set", GREY, name, **options)
    store = prepared(tmp_path)
    assert store.shape == (16, 16, 1)
    if not name.endswith("avif"):
        assert images_of(store) == {image.tobytes() for image in GREY}
    assert sum(store.card["splits"].values()) == 60


def test_the_first_frame_of_an_animation_is_used_and_said(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for n, picture in enumerate(GREY):
        frames = [Image.fromarray(picture), Image.fromarray(255 - picture)]
        frames[0].save(tmp_path / "set" / f"{n}.gif", save_all=True, append_images=frames[1:])
    store = prepared(tmp_path)
    assert images_of(store) == {image.tobytes() for image in GREY}
    assert "60 files" in said(store, "animation")["evidence"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS\0\1", "Photoshop"),
        (b"<svg xmlns=''/>", "SVG"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x1cftypmp42\0\0\0\0", "ISO media"),
    ],
)
def test_other_formats_are_refused_by_their_names(
    tmp_path: Path, content: bytes, name: str
) -> None:
    write(tmp_path / "set", GREY)
    (tmp_path / "set" / "photo.png").write_bytes(content)
    with pytest.raises(DataError, match=name):
        prepared(tmp_path)


def test_a_jpeg_of_108_megapixels_is_read(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY)
    Image.new("L", (12_000, 9_000), 200).save(tmp_path / "set" / "large.jpg", quality=50)
    store = prepared(tmp_path, resolution=16)
    assert bytes([200]) * 256 in images_of(store)


def test_every_inference_has_its_words(tmp_path: Path) -> None:
    write(tmp_path / "set", GREY, "{c}/{n}.png")
    entries = json.loads((prepared(tmp_path).folder / "dataset.json").read_text())["inferred"]
    assert {entry["what"] for entry in entries} == {"colour", "labels"}
    assert all(entry["value"] and entry["evidence"] for entry in entries)
