"""Any bytes and any folders are read or refused, and nothing is dropped without a word.

`make fuzz INPUTS=100000` tries as many damaged files for each reader as it says, and a tenth as
many folder trees; the quick tests try 500 of each.
"""

import contextlib
import csv
import io
import os
import random
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from ganflow.base.errors import DataError
from ganflow.base.files import read_json
from ganflow.config.data import DataParams
from ganflow.data.inference import Values
from ganflow.data.prepare import prepare
from ganflow.data.preview import show
from ganflow.data.readers import array_set, arrays, tarred, zipped
from ganflow.data.readers.folder import walk
from ganflow.data.readers.formats import kind_of, recognise
from ganflow.data.readers.labels import read_labels
from ganflow.data.readers.pictures import Form, UnusableError, decode, read_size

INPUTS = int(os.environ.get("GANFLOW_FUZZ", "500"))
TREES = max(500, INPUTS // 10)
RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (24, 20, 3), dtype=np.uint8)

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
    pytest.mark.timeout(0 if INPUTS > 500 else 300),
]


def encoded(kind: str, picture: np.ndarray = PICTURE, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **options)
    return stream.getvalue()


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, RNG.random((3, 8, 8)).astype(np.float32))
    return stream.getvalue()


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, images=PICTURE[None, ..., 0], labels=np.eye(4)[:1])
    return stream.getvalue()


def a_zip(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("cat/1.png", encoded("PNG"))
        archive.writestr("dog\\2.png", b"x" * 99)
    return stream.getvalue()


def a_tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("cat/" + "é" * 90 + ".png", "./dog/2.png"):
            info = tarfile.TarInfo(name)
            info.size = 99
            archive.addfile(info, io.BytesIO(bytes(99)))
    return stream.getvalue()


def idx() -> bytes:
    return bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 6)) + bytes(range(72))


def read_picture(path: Path) -> None:
    content = path.read_bytes()
    with contextlib.suppress(UnusableError):
        read_size(content)
    for mode in ("L", "RGB"):
        image = decode(content, Form(16, 16, mode))  # type: ignore[arg-type]
        assert image.shape[:2] == (16, 16)


def read_arrays(path: Path) -> None:
    found = arrays.open_arrays(path) if kind_of(path) == "npz" else [arrays.open_array(path)]
    for array in found:
        assert sum(map(len, arrays.read_rows(array, 2))) == array.shape[0]


def read_set(path: Path) -> None:
    source = recognise(path)
    if source.kind in ("idx", "npy", "npz"):
        for part in array_set.open_set(source, DataParams()).parts:
            assert sum(map(len, part.blocks(2, (0, 255), Values()))) == part.count


def read_zip(path: Path) -> None:
    with path.open("rb") as file:
        for entry, fault in zipped.members(path):
            if fault is None and entry.size < 10**6:
                with contextlib.suppress(ValueError):
                    zipped.read_member(file, entry)


READERS: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    **{kind: (encoded(kind), read_picture) for kind in ("PNG", "GIF", "WEBP", "BMP", "PPM")},
    "JPEG": (encoded("JPEG", progressive=True), read_picture),
    "TIFF": (encoded("TIFF", compression="tiff_lzw"), read_picture),
    "TIFF of 16 bits": (encoded("TIFF", PICTURE[..., 0].astype(np.uint16) * 99), read_picture),
    "AVIF": (encoded("AVIF"), read_picture),
    "PNG of 16 bits": (encoded("PNG", PICTURE[..., 0].astype(np.uint16)), read_picture),
    "npy": (npy(), read_arrays),
    "npz": (npz(), read_arrays),
    "set": (npz(), read_set),
    "idx": (idx(), read_set),
    "deflated zip": (a_zip(8), read_zip),
    "bzipped zip": (a_zip(zipfile.ZIP_BZIP2), read_zip),
    "LZMA zip": (a_zip(zipfile.ZIP_LZMA), read_zip),
    "tar": (a_tar(), lambda path: list(tarred.members(path))),
    "labels": (
        b"file,label,split\r\na.png,cat,train\nb.png,dog,\n",
        lambda path: read_labels(path.read_bytes(), path),
    ),
}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """`content` with some bytes changed, cut, doubled, or put elsewhere."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        place, length = rng.randrange(len(found) + 1), rng.randint(1, 12)
        match rng.randrange(6):
            case 0:
                del found[place : place + length]
            case 1:
                found[place:place] = found[place : place + length]
            case 2:
                found[place:place] = rng.randbytes(length)
            case 3:
                del found[max(place, 8) :]
            case _:
                for at in range(place, min(place + rng.randint(1, 4), len(found))):
                    found[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(found)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    content, read = READERS[name]
    path = tmp_path / "input"
    path.write_bytes(content)
    read(path)
    rng = random.Random(name)
    for _ in range(INPUTS):
        path.write_bytes(damaged(content, rng))
        with contextlib.suppress(DataError, UnusableError):
            read(path)


FOLDERS = (
    *("train", "Test", "seg_train", "val", "cat", "dog", "license", "readme", "é", "e\u0301"),
    *("@eaDir", "__MACOSX", ".git", "$RECYCLE.BIN", "名前", "a b", "2017", "-x", "C:", "%s", "..a"),
)
FILES = (
    *("1.png", "2.PNG", "3.jpg", "photo", "license.png", "README.md", "labels.csv", "notes.txt"),
    *(
        "Thumbs.db",
        ".DS_Store",
        "._1.png",
        "x.json",
        "é.png",
        "e\u0301.png",
        "a\nb.png",
        "=1+1.png",
    ),
    *("a\\b.png", "x" * 120 + ".png", "archive.zip", "anim.gif", "scan.tif", "mask.pgm", "-rf"),
)
CONTENTS = (
    encoded("JPEG"),
    encoded("GIF"),
    encoded("TIFF", PICTURE[..., 0].astype(np.uint16) * 257),
    encoded("PPM"),
    encoded("PNG", np.dstack([PICTURE, PICTURE[..., 0]])),
    a_zip(8),
    b"",
    b"text",
    encoded("PNG")[:40],
)


def a_tree(root: Path, rng: random.Random) -> None:
    """A folder of up to 40 files in folders, mostly pictures, now and then something odd."""
    odd = rng.random() < 0.5
    folders = [root]
    for _ in range(rng.randint(0, 5)):
        folder = rng.choice(folders) / rng.choice(FOLDERS)
        folder.mkdir(exist_ok=True, parents=True)
        folders.append(folder)
    for number in range(rng.randint(0, 40)):
        path = rng.choice(folders) / rng.choice((f"{number}.png", f"{number}.png", *FILES))
        if path.exists() or path.is_symlink():
            continue
        what = rng.random()
        if not odd or what < 0.8:
            picture = np.frombuffer(rng.randbytes(64), np.uint8).reshape(8, 8)
            path.write_bytes(encoded("PNG", picture))
        elif what < 0.96:
            path.write_bytes(rng.choice(CONTENTS))
        elif what < 0.98:
            path.symlink_to(rng.choice(folders))
        elif what < 0.99:
            path.symlink_to("nowhere")
        else:
            os.mkfifo(path)


def test_trees_are_prepared_as_they_are_shown_and_every_file_is_accounted_for(
    tmp_path: Path,
) -> None:
    rng = random.Random(0)
    root, store = tmp_path / "set", tmp_path / "store"
    accepted = 0
    for _ in range(TREES):
        for folder in (root, store):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        a_tree(root, rng)
        data = DataParams(source="set", max_rejected=0.5, validation_share=0.3, test_share=0.3)
        shown = io.StringIO()
        refusals = []
        try:
            prepare(data, tmp_path, store, workers=0)
        except DataError as error:
            refusals.append(str(error))
        try:
            show(data, tmp_path, tmp_path / "sheet.png", Console(file=shown, width=400))
        except DataError as error:
            refusals.append(str(error))
        assert len(set(refusals)) == len(refusals) / 2, refusals
        if refusals or recognise(root).kind != "folder":
            continue
        accepted += 1
        card = read_json(store / "dataset.json")
        for name, count in card["splits"].items():
            assert re.search(rf"\b{name} +│ {count:,}\b", shown.getvalue()), shown.getvalue()
        rejected = list(csv.reader((store / "rejected.csv").read_text().splitlines()))[1:]
        files = [name for name, item in walk(root) if not item.is_dir(follow_symlinks=False)]
        tables = sum(name.split("/")[-1] == "labels.csv" for name in files)
        known = sum(card["splits"].values()) + len(rejected)
        assert len(files) - tables <= known <= len(files), (files, card, rejected)
    assert accepted > TREES / 10
