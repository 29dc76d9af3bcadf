"""What preparing costs: images per second and memory, beside Keras and beside plain Pillow.

    python -m benchmarks.prepare --json            # all of it: about 10 minutes on two cores
    python -m benchmarks.prepare --json --images 2000 10000

Method. The JPEGs are 256×256, quality 75, and distinct: noise whose amplitude falls with
frequency as 1/f^1.2, the mean slope of natural images (Tolhurst, Tadmor and Chao, 1992). Every
program makes of them one uint8 array of 64×64 RGB on disk, antialiased, with the bilinear
filter; that they agree is checked. Each runs as a process of its own, timed from its start to
its end, in turn with the others; figures are medians of the rounds. TensorFlow takes seconds to
start, which weighs more on few pictures than on many: `..._after_imports` leaves that out for
both sides.

- prepare: the stage, with everything it does beyond that (hashes, duplicates, splits).
- Keras: `image_dataset_from_directory`, then `tf.image.resize(antialias=True)`. It decodes every
  pixel, which `prepare` does not: libjpeg decodes at a quarter of the size.
- tf.data: what it can do written by hand, where the decoder shrinks as well (`ratio=4`), and
  nothing is done beyond decoding, resizing and storing. No figure of Keras', but the fairest one.
- Pillow: a loop in one process, with the decoding that `prepare` uses (`draft`) and its filter.
- Pillow on all processors: the same loop in as many forks, each writing its part. What it gains
  over the one process is what this machine has to give; it hashes, checks and sorts nothing.

Memory is the proportional set size of the process and its children, sampled ten times a second.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image
from scipy.spatial.distance import cdist

from benchmarks.harness import PROCESSORS, command

ROOT = Path(__file__).parents[1]
SIDE, CLASSES, QUALITY = 256, 4, 75
BASES = 64

BEGUN = "import time; from pathlib import Path; Path('begun').write_text(str(time.monotonic()))"
"""What a program does when it has imported what it needs."""

PREPARE = """
import os, sys
from ganflow.config.data import DataParams
from ganflow.stages.prepare import run
if __name__ == "__main__":
    BEGUN
    form = {"resolution": 64, "mode": "RGB", "resample": "bilinear"}
    run(DataParams(source=sys.argv[1], **(form if sys.argv[1] != "mnist" else {})))
"""

KERAS = """
import sys
import keras, tensorflow as tf
from numpy.lib.format import open_memmap
BEGUN
folder, out, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
images = keras.utils.image_dataset_from_directory(
    folder, image_size=(256, 256), batch_size=64, shuffle=False, label_mode=None, verbose=0)
images = images.map(lambda x: tf.image.resize(x, (64, 64), antialias=True),
                    num_parallel_calls=tf.data.AUTOTUNE)
images = images.map(lambda x: tf.cast(tf.clip_by_value(tf.round(x), 0, 255), tf.uint8))
rows, place = open_memmap(out, "w+", "uint8", (count, 64, 64, 3)), 0
for batch in images.prefetch(tf.data.AUTOTUNE):
    rows[place : place + len(batch)] = batch.numpy()
    place += len(batch)
rows.flush()
"""

TF_DATA = """
import sys
import tensorflow as tf
from numpy.lib.format import open_memmap
BEGUN
folder, out, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def picture(path):
    pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, ratio=4)
    small = tf.image.resize(pixels, (64, 64), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(small), 0, 255), tf.uint8)
names = tf.data.Dataset.list_files(folder + "/*/*.jpg", shuffle=False)
images = names.map(picture, num_parallel_calls=tf.data.AUTOTUNE).batch(64)
rows, place = open_memmap(out, "w+", "uint8", (count, 64, 64, 3)), 0
for batch in images.prefetch(tf.data.AUTOTUNE):
    rows[place : place + len(batch)] = batch.numpy()
    place += len(batch)
rows.flush()
"""

PILLOW = """
import sys
from multiprocessing import get_context
from pathlib import Path
import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image
BEGUN
paths, processes = sorted(Path(sys.argv[1]).rglob("*.jpg")), int(sys.argv[3])
open_memmap(sys.argv[2], "w+", "uint8", (len(paths), 64, 64, 3)).flush()
def part(places):
    rows = np.load(sys.argv[2], "r+")
    for place in places:
        with Image.open(paths[place]) as picture:
            picture.draft("RGB", (64, 64))
            rows[place] = picture.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
    rows.flush()
with get_context("fork").Pool(processes) as pool:
    pool.map(part, np.array_split(np.arange(len(paths)), processes))
"""


def measure(images: tuple[int, int] = (20_000, 100_000), rounds: int = 3) -> dict[str, float]:
    """All figures, of a smaller and a larger number of images."""
    few, many = images
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = folder / "data" / "raw"
        raw.mkdir(parents=True)
        (raw / "mnist").symlink_to(ROOT / "data" / "raw" / "mnist")
        small, large = (make_pictures(raw / f"jpeg{count}", count) for count in images)
        programs = {
            "mnist": (PREPARE, "mnist"),
            "prepare": (PREPARE, small.name),
            "keras": (KERAS, str(small), "keras.npy", str(few)),
            "tf_data": (TF_DATA, str(small), "tf_data.npy", str(few)),
            "pillow": (PILLOW, str(small), "pillow.npy", "1"),
            "pillow_all": (PILLOW, str(small), "pillow_all.npy", str(PROCESSORS)),
        }
        costs = in_turn(programs, rounds, folder)
        differences = _differences(folder)
        costs |= in_turn(
            {
                "prepare_many": (PREPARE, large.name),
                "pillow_many": (PILLOW, str(large), "pillow_many.npy", "1"),
            },
            2,
            folder,
        )
    median = {name: cost.seconds for name, cost in costs.items()}
    working = {name: cost.working for name, cost in costs.items()}
    keras = "ratio_vs_keras_image_dataset_from_directory"
    return {
        keras: median["keras"] / median["prepare"],
        f"{keras}_after_imports": working["keras"] / working["prepare"],
        "ratio_vs_tf_data": median["tf_data"] / median["prepare"],
        "ratio_vs_tf_data_after_imports": working["tf_data"] / working["prepare"],
        "ratio_vs_pillow_single_process": median["pillow"] / median["prepare"],
        "ratio_vs_pillow_single_process_100k": median["pillow_many"] / median["prepare_many"],
        "pillow_all_processors_vs_single_process": median["pillow"] / median["pillow_all"],
        "peak_mb": costs["prepare_many"].peak,
        "peak_mb_growth_20k_to_100k": costs["prepare_many"].peak - costs["prepare"].peak,
        "mnist_seconds": median["mnist"],
        "prepare_images_per_second": few / median["prepare"],
        "prepare_many_images_per_second": many / median["prepare_many"],
        **{f"mean_difference_to_{name}": value for name, value in differences.items()},
    }


def make_pictures(folder: Path, images: int) -> Path:
    """Write `images` distinct JPEGs into class folders below `folder`."""
    for number in range(CLASSES):
        (folder / f"class{number}").mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_write_picture, folder), range(images), chunksize=500))
    return folder


def _write_picture(folder: Path, number: int) -> None:
    """Two of the fields, each shifted: another picture for every number."""
    rng = np.random.default_rng(number)
    one, other = rng.choice(BASES, 2, replace=False)
    shift = tuple(rng.integers(0, SIDE, 2))
    field = 0.8 * _noise()[one] + 0.6 * np.roll(_noise()[other], shift, (0, 1))
    pixels = (128 + field * (40, 10, 10)).clip(0, 255).astype(np.uint8)
    path = folder / f"class{number % CLASSES}" / f"{number:06d}.jpg"
    Image.fromarray(pixels, "YCbCr").save(path, quality=QUALITY)


@cache
def _noise() -> np.ndarray:
    """Fields of standard deviation 1 with a 1/f^1.2 amplitude: float32 (BASES, 256, 256, 3)."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    frequency[0, 0] = np.inf
    phases = np.exp(2j * np.pi * rng.random((BASES, 3, SIDE, SIDE // 2 + 1)))
    fields = np.fft.irfft2(phases * frequency**-1.2, s=(SIDE, SIDE))
    fields /= fields.std(axis=(2, 3), keepdims=True)
    return np.moveaxis(fields, 1, 3).astype(np.float32)


class Cost(NamedTuple):
    seconds: float
    """Of the whole process."""
    working: float
    """Seconds of these after it had imported what it needs."""
    peak: float
    """Megabytes."""


def in_turn(programs: dict[str, tuple[str, ...]], rounds: int, folder: Path) -> dict[str, Cost]:
    """What each program costs, a run in each round: median seconds, and the highest peak."""
    taken = [
        {name: run(*words, cwd=folder) for name, words in programs.items()} for _ in range(rounds)
    ]
    columns = {name: zip(*(costs[name] for costs in taken), strict=True) for name in programs}
    return {
        name: Cost(statistics.median(seconds), statistics.median(working), max(peaks))
        for name, (seconds, working, peaks) in columns.items()
    }


def run(script: str, *arguments: str, cwd: Path) -> Cost:
    """What a script costs as a process of its own."""
    program = cwd / "program.py"
    program.write_text(script.replace("BEGUN", BEGUN))
    peak, started = 0, time.monotonic()
    process = psutil.Popen(
        [sys.executable, program, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        with suppress(psutil.Error):  # one of them has just ended
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(one.memory_full_info().pss for one in family))
        time.sleep(0.1)
    ended = time.monotonic()
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    return Cost(ended - started, ended - float((cwd / "begun").read_text()), peak / 2**20)


def _differences(folder: Path) -> dict[str, float]:
    """Mean difference in grey levels between sorted images of `prepare` and of the others."""
    names = ("train", "validation", "test")
    own = [np.load(folder / "data" / "prepared" / name / "images.npy", "r") for name in names]
    mean = sum(part.sum(axis=(1, 2), dtype=np.int64).sum(axis=0) for part in own)
    first = own[2][:50].reshape(min(50, len(own[2])), -1)
    found = {}
    for name in ("keras", "tf_data", "pillow"):
        rows = np.load(folder / f"{name}.npy", "r")
        # TensorFlow's faster inverse transform costs it a grey level here and there.
        assert abs(rows.sum(axis=(1, 2), dtype=np.int64).sum(axis=0) / mean - 1).max() < 0.02
        gaps = [
            cdist(first, rows[start : start + 2000].reshape(-1, first.shape[1]), "cityblock")
            for start in range(0, len(rows), 2000)
        ]
        found[name] = float(np.hstack(gaps).min(axis=1).mean()) / first.shape[1]
    return found


if __name__ == "__main__":
    command(measure, __doc__)
