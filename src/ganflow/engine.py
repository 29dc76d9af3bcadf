"""Setting TensorFlow up so that equal inputs give equal bytes."""

import os
from pathlib import Path

from ganflow.params.runtime import Precision, Runtime


def threads(runtime: Runtime) -> int:
    """How many threads to use: as asked for, or one for each processor this process may use."""
    if runtime.threads != "auto":
        return runtime.threads
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def configure(runtime: Runtime) -> None:
    """Fix TensorFlow's threads and make its operations deterministic.

    The order in which partial sums are added depends on the number of threads, so it is part
    of what shapes a result. To be called before TensorFlow runs its first operation.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads(runtime))
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (elsewhere it only costs time)."""
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
