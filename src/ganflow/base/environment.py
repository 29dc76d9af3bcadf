"""What a result depends on beside code, parameters and data: settings, versions, the processor.

Settings that TensorFlow, Keras, oneDNN, NumPy and the locale would read from the environment or
from a home folder are fixed or removed. `ganflow.stages.lock` records the versions.
"""

import importlib.metadata
import logging
import os
import sys
from collections.abc import MutableMapping

from ganflow.base.errors import GanflowError

LOGGER = logging.getLogger(__name__)

LIBRARIES = ("keras", "numpy", "pillow", "scipy", "tensorflow")

REMOVED = ("DNNL_", "KERAS_", "NPY_", "NUMPY_", "ONEDNN_", "TF_", "XLA_")
"""How the names of settings begin that may shape a result."""

KEPT = (
    "TF_CONFIG",  # which workers train together
    "TF_CPP_",  # how much TensorFlow prints
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    *("TF_CLI_", "TF_DATA_DIR", "TF_LOG", "TF_PLUGIN_", "TF_TOKEN_", "TF_VAR_"),  # Terraform's
)
FIXED = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # so no keras.json is read, and none is written
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def pin(environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Fix every setting that could shape a result; to be called before TensorFlow is imported.

    Returns:
        the names of the settings that were there and are not used.
    """
    found = [
        name
        for name in environment
        if name.startswith(REMOVED)
        and not name.startswith(KEPT)
        and environment[name] != FIXED.get(name)
    ]
    for name in found:
        del environment[name]
    environment.update(FIXED)
    return sorted(found)


def in_utf8() -> None:
    """Start this process anew with UTF-8 for files and their names, where a locale has another.

    Names of folders are those of classes, and Python decodes names before any code runs.
    """
    if sys.getfilesystemencoding() != "utf-8":
        command = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONUTF8": "1"})


def check_keras(strict: bool = True) -> None:
    """Check what Keras computes with, in a process where it may have been imported before.

    Args:
        strict: whether another epsilon is an error too; else it is only said, as the networks
            remain the same.

    Raises:
        GanflowError: its settings are not the defaults.
    """
    import keras

    found = {
        "backend": keras.config.backend(),
        "floatx": keras.config.floatx(),
        "image_data_format": keras.config.image_data_format(),
        "epsilon": keras.config.epsilon(),
        "dtype_policy": keras.config.dtype_policy().name,
    }
    wanted = {
        "backend": "tensorflow",
        "floatx": "float32",
        "image_data_format": "channels_last",
        "epsilon": 1e-7,
        "dtype_policy": "float32",
    }
    other = [f"{name} {found[name]}" for name in wanted if found[name] != wanted[name]]
    if not strict and other == [f"epsilon {found['epsilon']}"]:
        LOGGER.warning("Keras was set to %s before: results may differ a little", other[0])
    elif other:
        raise GanflowError(
            f"Keras was set to {', '.join(other)} before ganflow was imported",
            where="this process",
            expected=", ".join(f"{name} {value}" for name, value in wanted.items()),
            run="import ganflow before keras, or reset keras.config",
        )


def blas_kernels() -> list[str]:
    """The kernels that BLAS has chosen for this processor, which round differently."""
    import numpy as np  # noqa: F401, which loads its BLAS
    import threadpoolctl

    pools = threadpoolctl.threadpool_info()
    return sorted({str(pool["architecture"]) for pool in pools if "architecture" in pool})


def versions() -> dict[str, str]:
    """The installed versions of the libraries that compute."""
    return {name: version_of(name) for name in LIBRARIES}


def version_of(library: str) -> str:
    """The installed version of a library; `tensorflow-cpu` has the modules of `tensorflow`.

    Raises:
        importlib.metadata.PackageNotFoundError: it is not installed.
    """
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        if library != "tensorflow":
            raise
        return importlib.metadata.version("tensorflow-cpu")
