"""The `runtime` section, and setting TensorFlow up so that equal inputs give equal bytes."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ganflow.base.environment import check_keras
from ganflow.base.section import Section

LOGGER = logging.getLogger(__name__)

Precision = Literal["auto", "bfloat16", "float32", "float16"]


class RuntimeParams(Section):
    threads: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = "auto"
    """Threads of TensorFlow's own pool; `auto` takes every processor this process may use."""

    precision: Precision = "auto"
    """Of products and convolutions; `auto` is bfloat16 where the GPU has it, or without
    one the processor."""


def threads(runtime: RuntimeParams) -> int:
    """How many threads to use: as asked for, or one for each processor this process may use."""
    if runtime.threads != "auto":
        return runtime.threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS cannot bind a process to processors


def configure(
    runtime: RuntimeParams, begin: Callable[[], Any] = lambda: None, strict: bool = True
) -> Any:
    """Fix TensorFlow's threads and make its operations deterministic.

    The order in which partial sums are added depends on the number of threads, so it is part
    of what shapes a result. To be called before TensorFlow runs its first operation.

    Args:
        begin: what has to be done between the one and the other; its result is returned.
        strict: whether it is an error that this process has used TensorFlow with other threads, or
            Keras with another epsilon; else it is only said, as results then differ little.
    """
    with quiet_start():
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads(runtime))
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:  # its threads have started
            if strict:
                raise
            LOGGER.warning(
                "TensorFlow has run in this process before, with other threads than "
                "runtime.threads: %d: results may differ in their last bits from those of a fresh "
                "process",
                threads(runtime),
            )
        for gpu in tf.config.list_physical_devices("GPU"):
            # or else it takes all memory, and a studio beside a training finds none
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()
        check_keras(strict)
        begun = begin()
        tf.zeros(()).numpy()  # the first operation, which looks for devices
    return begun


@contextmanager
def quiet_start() -> Iterator[None]:
    """Drop what TensorFlow's C++ prints about the machine while it starts.

    Twenty lines on instruction sets and missing GPUs would come before a stage's first own
    one, and no setting of TensorFlow 2.21 silences them: they are written to the process's
    standard error before its logging is set up. Exceptions pass unchanged.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def has_bfloat16() -> bool:
    """Whether the GPUs, or without one this processor, multiply bfloat16 in hardware.

    Elsewhere it only costs time. NVIDIA's GPUs do from compute capability 8.0 on.
    """
    import tensorflow as tf

    if gpus := tf.config.list_physical_devices("GPU"):
        details = map(tf.config.experimental.get_device_details, gpus)
        return all(found.get("compute_capability", (0, 0)) >= (8, 0) for found in details)
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def resolved(precision: Precision) -> Precision:
    """What `auto` stands for on this machine; anything else stays itself."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_bfloat16() else "float32"
