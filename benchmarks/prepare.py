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
- Keras: `image_dataset_from_directory`, then `tf.image.resize(antialias=True)`; its own resizing
  to 64×64 leaves pixels out, and is timed too (`..._aliased`). It decodes every pixel, which
  `prepare` does not: libjpeg decodes at a quarter of the size.
- tf.data: what it can do written by hand, where the decoder shrinks as well (`ratio=4`), and
  nothing is done beyond decoding, resizing and storing. No figure of Keras', but the fairest one.
- Pillow: a loop in one process, with the decoding that `prepare` uses (`draft`) and its filter.
- Pillow on all processors: the same loop in as many forks, each writing its part. What it gains
  over the one process is what this machine has to give; it hashes, checks and sorts nothing.

Memory is the proportional set size of the process and its children, sampled ten times a second.
"""

import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist

from benchmarks.harness import options_of, show

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
folder, out, count, antialias = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "1"
side = 256 if antialias else 64
images = keras.utils.image_dataset_from_directory(
    folder, image_size=(side, side), batch_size=64, shuffle=False, label_mode=None, verbose=0)
if antialias:
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
from pathlib import Path
import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image
BEGUN
paths = sorted(Path(sys.argv[1]).rglob("*.jpg"))
rows = open_memmap(sys.argv[2], "w+", "uint8", (len(paths), 64, 64, 3))
for place, path in enumerate(paths):
    with Image.open(path) as picture:
        picture.draft("RGB", (64, 64))
        rows[place] = picture.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
rows.flush()
"""

PILLOW_ALL = """
import os, sys
from multiprocessing import get_context
from pathlib import Path
import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image
BEGUN
paths = sorted(Path(sys.argv[1]).rglob("*.jpg"))
open_memmap(sys.argv[2], "w+", "uint8", (len(paths), 64, 64, 3)).flush()
def part(places):
    rows = np.load(sys.argv[2], "r+")
    for place in places:
        with Image.open(paths[place]) as picture:
            picture.draft("RGB", (64, 64))
            rows[place] = picture.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
    rows.flush()
cores = len(os.sched_getaffinity(0))
with get_context("fork").Pool(cores) as pool:
    pool.map(part, np.array_split(np.arange(len(paths)), cores))
"""


def make_pictures(folder: Path, images: int) -> None:
    """Write `images` distinct JPEGs into class folders below `folder`."""
    for number in range(CLASSES):
        (folder / f"class{number}").mkdir(parents=True, exist_ok=True)
    step = 500
    with ProcessPoolExecutor() as pool:
        list(pool.map(_some, [(folder, n, min(n + step, images)) for n in range(0, images, step)]))


def _some(task: tuple[Path, int, int]) -> None:
    folder, start, end = task
    bases = _noise(0)
    for number in range(start, end):
        # Two of the fields, each shifted: another picture for every number.
        rng = np.random.default_rng(number)
        one, other = rng.choice(BASES, 2, replace=False)
        shift = rng.integers(0, SIDE, 2)
        field = 0.8 * bases[one] + 0.6 * np.roll(bases[other], tuple(shift), (0, 1))
        pixels = (128 + field * (40, 10, 10)).clip(0, 255).astype(np.uint8)
        path = folder / f"class{number % CLASSES}" / f"{number:06d}.jpg"
        Image.fromarray(pixels, "YCbCr").save(path, quality=QUALITY)


@functools.cache
def _noise(seed: int) -> np.ndarray:
    """Fields of standard deviation 1 with a 1/f^1.2 amplitude: float32 (BASES, 256, 256, 3)."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    frequency[0, 0] = np.inf
    phases = np.exp(2j * np.pi * rng.random((BASES, 3, SIDE, SIDE // 2 + 1)))
    fields = np.fft.irfft2(phases * frequency**-1.2, s=(SIDE, SIDE))
    fields /= fields.std(axis=(2, 3), keepdims=True)
    return np.moveaxis(fields, 1, 3).astype(np.float32)


@dataclass(frozen=True)
class Cost:
    seconds: float
    """Of the whole process."""
    working: float
    """Seconds of these after it had imported what it needs."""
    peak: float
    """Megabytes."""


def run(script: str, *arguments: str, cwd: Path) -> Cost:
    """What a script costs as a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = cwd / "program.py"
    program.write_text(script.replace("BEGUN", BEGUN))
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, str(program), *arguments],
        cwd=cwd,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(_kilobytes(pid) for pid in _family(process.pid)))
            time.sleep(0.1)
        ended = time.monotonic()
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    begun = float((cwd / "begun").read_text())
    return Cost(ended - started, ended - begun, peak / 1024)


def _family(root: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield root
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _kilobytes(process: int) -> int:
    with suppress(OSError):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0])
    return 0


def in_turn(
    programs: dict[str, tuple[str, ...]], rounds: int, folder: Path
) -> dict[str, list[Cost]]:
    """What each program costs, a run in each round."""
    taken = [
        {name: run(*words, cwd=folder) for name, words in programs.items()} for _ in range(rounds)
    ]
    return {name: [costs[name] for costs in taken] for name in programs}


def measure(few: int, many: int, rounds: int, folder: Path) -> dict[str, float]:
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    (raw / "mnist").symlink_to(ROOT / "data" / "raw" / "mnist")
    for count in (few, many):
        make_pictures(raw / f"jpeg{count}", count)
    source, large = str(raw / f"jpeg{few}"), str(raw / f"jpeg{many}")
    programs: dict[str, tuple[str, ...]] = {
        "mnist": (PREPARE, "mnist"),
        "prepare": (PREPARE, f"jpeg{few}"),
        "keras": (KERAS, source, "keras.npy", str(few), "1"),
        "keras_aliased": (KERAS, source, "aliased.npy", str(few), "0"),
        "tf_data": (TF_DATA, source, "tf_data.npy", str(few)),
        "pillow": (PILLOW, source, "pillow.npy"),
        "pillow_all": (PILLOW_ALL, source, "pillow_all.npy"),
    }
    costs = in_turn(programs, rounds, folder)
    agreement = _difference(folder)
    programs = {
        "prepare_many": (PREPARE, f"jpeg{many}"),
        "pillow_many": (PILLOW, large, "pillow_many.npy"),
    }
    costs |= in_turn(programs, 2, folder)
    median = {name: statistics.median(c.seconds for c in each) for name, each in costs.items()}
    working = {name: statistics.median(c.working for c in each) for name, each in costs.items()}
    peaks = {name: max(cost.peak for cost in each) for name, each in costs.items()}
    counts = {"mnist": 70_000, "prepare_many": many, "pillow_many": many}
    keras = "ratio_vs_keras_image_dataset_from_directory"
    return {
        keras: median["keras"] / median["prepare"],
        f"{keras}_aliased": median["keras_aliased"] / median["prepare"],
        f"{keras}_after_imports": working["keras"] / working["prepare"],
        "ratio_vs_tf_data": median["tf_data"] / median["prepare"],
        "ratio_vs_tf_data_after_imports": working["tf_data"] / working["prepare"],
        "ratio_vs_pillow_single_process": median["pillow"] / median["prepare"],
        "ratio_vs_pillow_single_process_100k": median["pillow_many"] / median["prepare_many"],
        "pillow_all_processors_vs_single_process": median["pillow"] / median["pillow_all"],
        "peak_mb": peaks["prepare_many"],
        "peak_mb_growth_20k_to_100k": peaks["prepare_many"] - peaks["prepare"],
        "mnist_seconds": median["mnist"],
        **{f"{name}_images_per_second": counts.get(name, few) / median[name] for name in median},
        **{f"{name}_peak_mb": peaks[name] for name in peaks},
        **{f"mean_difference_to_{name}": value for name, value in agreement.items()},
        "images_few": few,
        "images_many": many,
        "rounds": rounds,
    }


def _difference(folder: Path) -> dict[str, float]:
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


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--images", type=int, nargs=2, default=(20_000, 100_000))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(measure(*options.images, options.rounds, Path(folder)), options)


if __name__ == "__main__":
    main()
