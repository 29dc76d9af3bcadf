"""The prepare stage on real MNIST: fast, faithful, the same bytes twice, all or nothing."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.paths import PREPARED, RAW
from ganflow.base.store import open_store
from ganflow.config.data import DataParams
from ganflow.stages.prepare import run

PROJECT = Path(__file__).parents[2]
SCRIPT = """
import resource, sys
from ganflow.config.data import DataParams
from ganflow.stages.prepare import run
run(DataParams())
assert not {"tensorflow", "keras", "prefect", "dvc"} & sys.modules.keys()
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss, which begins with what the process had that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(used.ru_utime + used.ru_stime, peak.split()[1])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "data" / "raw" / "mnist", folder / RAW / "mnist")
    return folder


def prepare(project: Path) -> tuple[float, float]:
    """Seconds and megabytes of the stage as a whole process of its own.

    Seconds of processor time: on a machine with nothing else to do the clock shows the same.
    """
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, kilobytes = ended.stdout.splitlines()[-1].split()
    return float(seconds), int(kilobytes) / 1024


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_mnist_is_prepared_within_bounds_and_twice_the_same(project: Path) -> None:
    seconds, megabytes = prepare(project)
    first = hashes(project / PREPARED)
    again, _ = prepare(project)
    assert hashes(project / PREPARED) == first
    assert min(seconds, again) < 5
    # Less than half of the 55 MB of images on top of what Python and NumPy take.
    assert 20 < megabytes < 120


def test_the_test_split_is_the_official_one(project: Path) -> None:
    if not (project / PREPARED).exists():
        prepare(project)
    store = open_store(project / PREPARED)
    assert store.shape == (28, 28, 1)
    assert store.classes == tuple("0123456789")
    assert store.card["splits"]["test"] == 10_000
    assert sum(store.card["splits"].values()) == 70_000
    test = store.split("test")
    counts = np.bincount(test.labels, minlength=10)  # type: ignore[arg-type]
    np.testing.assert_array_equal(counts, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    # The published mean and deviation of the 60,000 training images: 0.1307 and 0.3081 of 255.
    both = [store.split(name).images for name in ("train", "validation")]
    assert sum(len(images) for images in both) == 60_000
    mean = sum(images.sum(dtype=np.int64) for images in both) / (60_000 * 28 * 28 * 255)
    assert abs(mean - 0.1307) < 5e-5
    assert abs(store.card["statistics"]["std"][0] / 255 - 0.3081) < 2e-3


def test_every_prefix_of_training_is_a_fair_sample(project: Path) -> None:
    if not (project / PREPARED).exists():
        prepare(project)
    labels = open_store(project / PREPARED).split("train").labels
    assert labels is not None
    shares = np.bincount(labels, minlength=10) / len(labels)
    counts = np.bincount(labels[:2000], minlength=10)
    chi_square = ((counts - 2000 * shares) ** 2 / (2000 * shares)).sum()
    assert chi_square < 34  # 1 in 10,000 for 9 degrees of freedom


def test_a_failure_leaves_no_partial_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = tmp_path / RAW / "mnist"
    raw.mkdir(parents=True)
    for path in (PROJECT / RAW / "mnist").glob("*.gz"):
        shutil.copy(path, raw)
    images = raw / "t10k-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-1000])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="t10k-images"):
        run(DataParams())
    assert not list((tmp_path / "data").glob("*prepared*"))


def test_the_read_me_gives_the_files_own_hashes() -> None:
    folder = PROJECT / RAW / "mnist"
    text = (folder / "README.md").read_text()
    for path in folder.glob("*.gz"):
        assert f"| `{path.name}` | `{hashlib.sha256(path.read_bytes()).hexdigest()}` |" in text


def test_no_path_or_time_stands_in_the_card(project: Path) -> None:
    if not (project / PREPARED).exists():
        prepare(project)
    card = json.loads((project / PREPARED / "dataset.json").read_text())
    assert str(project) not in json.dumps(card)
    assert card["source"] == "mnist"
