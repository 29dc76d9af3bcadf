"""Timing rivals fairly on a machine that others use too."""

import time
from collections.abc import Callable, Mapping

import numpy as np

Run = Callable[[], object]


def seconds_of(rivals: Mapping[str, Run], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of each run, (rounds,), the rivals taking turns so that all meet the same noise."""
    for run in rivals.values():
        run()  # traces, compiles, warms up
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            started = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in taken.items()}


def summary(seconds: np.ndarray, images: int) -> dict[str, float]:
    """Images per second: the median, and the quartiles around it."""
    low, middle, high = np.quantile(images / seconds, (0.25, 0.5, 0.75))
    return {"median": round(middle, 2), "lower": round(low, 2), "upper": round(high, 2)}


def ratio(ours: np.ndarray, theirs: np.ndarray, images: int, their_images: int) -> float:
    """Throughput of ours over theirs: the median over rounds, which pairs equal noise."""
    return float(np.median((images / ours) / (their_images / theirs)))
