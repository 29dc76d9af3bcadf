"""What the quick profile's metrics cost, beside torch-fidelity and prdc on the same features.

    python -m benchmarks.evaluation --json

Method. Features of 128 dimensions, like an extractor's (correlated, never negative), are made
from a fixed seed. Fréchet distance, kernel distance and precision, recall, density, coverage are
computed from 10,000 × 10,000 of them: here, and by torch-fidelity 0.4 (FID, KID with its default
100 subsets of 1,000) and prdc 0.2 (k = 5), each with all processors of this process; rounds
alternate between the two sides and the median counts. Distances must agree to 1e-6, or nothing
is printed. Cost over N and the memory of 50,000 × 50,000 are measured in processes of their
own; the memory is the whole process's peak.
"""

import time
from importlib import util
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import reference
from benchmarks.harness import PROCESSORS, command, rounded, seconds_of

SIZE, DIMENSIONS = 10_000, 128
SIZES = (5_000, 10_000, 20_000, 50_000)


def measure(rounds: int = 3) -> dict[str, Any]:
    alone = {}
    for size in SIZES:
        with get_context("spawn").Pool(1) as process:
            alone[size] = process.apply(cost, (size,))
    installed = all(util.find_spec(name) for name in ("torch_fidelity", "prdc"))
    return {
        **(compare(rounds) if installed else {"reference": "absent: make bench-setup"}),
        "peak_mb_at_50k": alone[SIZES[-1]]["peak_mb"],
        "seconds_by_size": {str(size): found["seconds"] for size, found in alone.items()},
    }


def cost(size: int) -> dict[str, float]:
    """Seconds, and the most memory that this process has held, in MB."""
    generated, real = features(size)
    started = time.perf_counter()
    ours(generated, real)
    seconds = time.perf_counter() - started
    # Not `ru_maxrss`, which is handed down from the process that started this one.
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return rounded({"seconds": seconds, "peak_mb": int(peak) / 1024})


def compare(rounds: int) -> dict[str, Any]:
    generated, real = features(SIZE)
    found: dict[str, dict[str, float]] = {}
    sides = {
        "ours": lambda: found.update(ours=ours(generated, real)),
        "reference": lambda: found.update(reference=theirs(generated, real)),
    }
    times = seconds_of(sides, rounds, warm_up=False)
    if not np.isclose(found["ours"]["fd"], found["reference"]["fd"], rtol=1e-6):
        raise SystemExit(f"the distances differ: {found}")
    seconds = {name: float(np.median(taken)) for name, taken in times.items()}
    return {
        "ratio_vs_reference": round(seconds["reference"] / seconds["ours"], 2),
        "seconds": round(seconds["ours"], 3),
        "reference_seconds": round(seconds["reference"], 3),
        "numbers": found,
    }


def features(count: int) -> list[np.ndarray]:
    """Generated and real features, float32 (count, 128) each."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(40, DIMENSIONS)).astype(np.float32)
    return [
        np.maximum((rng.normal(shift, 1, (count, 40)) @ mixing), 0).astype(np.float32)
        for shift in (0.05, 0.0)
    ]


def ours(generated: np.ndarray, real: np.ndarray) -> dict[str, float]:
    from ganflow.metrics.frechet import frechet_distance
    from ganflow.metrics.kernel import kernel_distance
    from ganflow.metrics.prdc import prdc

    return {
        "fd": frechet_distance(generated, real),
        "kid": kernel_distance(generated, real, np.random.default_rng(0)).value,
        **prdc(generated, real, 5, PROCESSORS).all_four(),
    }


def theirs(generated: np.ndarray, real: np.ndarray) -> dict[str, float]:
    import torch

    torch.set_num_threads(PROCESSORS)
    return {
        "fd": reference.frechet_distance(generated.astype(np.float64), real.astype(np.float64)),
        "kid": reference.kernel_distance(generated, real, subsets=100, size=1000),
        **reference.prdc(generated, real, 5),
    }


if __name__ == "__main__":
    command(measure, __doc__)
