"""Nothing in the environment shapes a byte, and versions are recorded."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganflow.base.environment import FIXED, pin, version_of

SRC = Path(__file__).parents[2] / "src"

PROGRAM = """
from ganflow.base.environment import in_utf8, pin
in_utf8()
pin()
from ganflow.base.runtime import RuntimeParams, configure
configure(RuntimeParams(threads=1, precision="float32"))
import hashlib, os, sys
import keras
import numpy as np
import tensorflow as tf
keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.layers.Conv2D(8, 3, strides=2), keras.layers.BatchNormalization(),
    keras.layers.LeakyReLU(), keras.layers.Flatten(), keras.layers.Dense(3)])
images = tf.constant(np.random.default_rng(0).random((64, 16, 16, 3)), tf.float32)
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(model(images, training=True)))
gradients = tape.gradient(loss, model.trainable_variables)
digest = hashlib.sha256(b"".join(g.numpy().tobytes() for g in gradients))
names = sorted(os.listdir(os.environ["NAMES"]))
print(digest.hexdigest(), [name.encode("utf-8") for name in names], "\\u2192")
"""


def run(program: str, folder: Path, **settings: str | None) -> "subprocess.CompletedProcess[str]":
    (folder / "names" / "é→").mkdir(parents=True, exist_ok=True)
    given = {"PYTHONPATH": str(SRC), "NAMES": str(folder / "names"), **settings}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={k: v for k, v in {**os.environ, **given}.items() if v is not None},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = run(PROGRAM, tmp_path_factory.mktemp("usual"))
    assert done.returncode == 0, done.stderr
    return done.stdout


SETTINGS: dict[str, dict[str, str | None]] = {
    "Keras": {"KERAS_BACKEND": "torch", "KERAS_FLOATX": "float16", "KERAS_HOME": "{home}"},
    "a home with settings": {
        "HOME": "{home}",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "DNNL_VERBOSE": "0",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
        "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
        "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2",
    },
    "no home, in ASCII": {
        "HOME": None,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
    "a home that is not there": {
        "HOME": "/nowhere/at/all",
        "PYTHONSAFEPATH": "1",
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Kolkata",
        "TF_CONFIG": "{}",
    },
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.slow
def test_nothing_around_a_process_shapes_its_bytes(
    tmp_path: Path, usual: str, settings: dict[str, str | None]
) -> None:
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    for folder in (home, home / ".keras"):
        (folder / "keras.json").write_text(
            '{"floatx": "float16", "image_data_format": "channels_first", "backend": "torch"}'
        )
    filled = {k: v and v.replace("{home}", str(home)) for k, v in settings.items()}
    done = run(PROGRAM, tmp_path, **filled)
    assert done.returncode == 0, done.stderr
    assert done.stdout == usual


def test_settings_of_another_keras_in_the_same_process_are_refused(tmp_path: Path) -> None:
    program = (
        "import keras\nkeras.config.set_floatx('float16')\n"
        "from ganflow.base.runtime import RuntimeParams, configure\n"
        "configure(RuntimeParams())"
    )
    done = run(program, tmp_path)
    assert "GanflowError: Keras was set to floatx float16" in done.stderr


def test_what_is_not_used_is_named() -> None:
    others = {"PATH": "/bin", "TF_VAR_region": "Terraform's"}
    given = {
        "TF_XLA_FLAGS": "--x",
        "KERAS_BACKEND": "jax",
        "TF_CONFIG": "{}",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **others,
        **{name: FIXED[name] for name in ("KERAS_HOME",)},
    }
    assert pin(given) == ["KERAS_BACKEND", "TF_XLA_FLAGS"]
    assert given == {"TF_CONFIG": "{}", "TF_CPP_MIN_LOG_LEVEL": "3", **others, **FIXED}
    assert pin(given) == []


def test_a_command_says_which_settings_it_does_not_use(tmp_path: Path) -> None:
    done = run("from ganflow.cli import command\ncommand()", tmp_path, XLA_FLAGS="--x")
    assert "not used, as it may shape a result: XLA_FLAGS" in done.stderr


def test_tensorflow_cpu_is_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow_cpu-2.20.1.dist-info").mkdir()
    metadata = tmp_path / "tensorflow_cpu-2.20.1.dist-info/METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 2.20.1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert version_of("tensorflow") == "2.20.1"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        version_of("keras")
