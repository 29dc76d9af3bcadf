"""Threads and precision are what was asked for, and TensorFlow starts in silence."""

import os
from pathlib import Path

import pytest

from ganflow.base import runtime
from ganflow.base.runtime import RuntimeParams, has_bfloat16, quiet_start, resolved, threads


def test_threads_are_those_asked_for_or_those_of_this_process() -> None:
    assert threads(RuntimeParams(threads=3)) == 3
    assert threads(RuntimeParams()) == len(os.sched_getaffinity(0))


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
