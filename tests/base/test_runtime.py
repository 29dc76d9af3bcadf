"""Threads and precision are what was asked for, and TensorFlow starts in silence."""

import os
from pathlib import Path

import pytest
import tensorflow as tf

from ganflow.base import runtime
from ganflow.base.runtime import (
    RuntimeParams,
    configure,
    has_bfloat16,
    quiet_start,
    resolved,
    threads,
)


def test_threads_are_those_asked_for_or_those_of_this_process() -> None:
    assert threads(RuntimeParams(threads=3)) == 3
    assert threads(RuntimeParams()) == len(os.sched_getaffinity(0))


def test_without_affinity_every_processor_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert threads(RuntimeParams()) == os.cpu_count()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fma amx_bf16 avx2", True), ("avx512_bf16", True), ("avx2 avx512f", False), (None, False)],
)
def test_the_precision_is_that_of_the_processor(
    flags: str | None, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = tmp_path / "cpuinfo"
    if flags:
        processor.write_text(f"flags : {flags}\n")
    monkeypatch.setattr(runtime, "Path", lambda _: processor)
    assert has_bfloat16() == expected
    assert resolved("auto") == ("bfloat16" if expected else "float32")
    assert resolved("float16") == "float16"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(9, 0)], True), ([(8, 0), (8, 6)], True), ([(8, 0), (7, 5)], False), ([None], False)],
)
def test_a_gpu_is_asked_before_the_processor(
    capabilities: list[tuple[int, int] | None], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_gpus(capabilities, monkeypatch)
    monkeypatch.setattr(runtime, "Path", lambda _: pytest.fail("the processor was asked"))
    assert has_bfloat16() == expected


def test_a_gpu_gives_memory_as_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    grown: list[tuple[str, bool]] = []
    has_gpus([(8, 0), (8, 0)], monkeypatch)
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda *given: grown.append(given)
    )
    for name in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
        monkeypatch.setattr(tf.config.threading, name, lambda _: None)
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: None)
    configure(RuntimeParams())
    assert grown == [("GPU:0", True), ("GPU:1", True)]


def has_gpus(capabilities: list[tuple[int, int] | None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let TensorFlow see GPUs; None stands for one that does not say its compute capability."""
    details = {
        f"GPU:{n}": {"compute_capability": found} if found else {}
        for n, found in enumerate(capabilities)
    }
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(details))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.__getitem__)


def test_a_quiet_start_drops_standard_error_and_nothing_else(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def start() -> None:
        with quiet_start():
            os.write(2, b"noise of a library\n")
            os.write(1, b"a result\n")
            raise ValueError("passes")

    with pytest.raises(ValueError, match="passes"):
        start()
    os.write(2, b"heard again\n")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("a result\n", "heard again\n")
