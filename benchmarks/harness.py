"""What all benchmarks share: options, rounds in which rivals take turns, and what is printed."""

import argparse
import inspect
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Run = Callable[[], object]

PROCESSORS = len(os.sched_getaffinity(0))


def options_of(description: str) -> argparse.ArgumentParser:
    """A parser with `--json`, described by the first line of a module's docstring."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    return parser


def command(measure: Callable[..., Mapping[str, Any]], description: str) -> None:
    """The command line of a benchmark: the parameters of `measure` and their defaults."""
    parser = options_of(description)
    defaults = {name: p.default for name, p in inspect.signature(measure).parameters.items()}
    for name, default in defaults.items():
        kind = type(default[0]) if isinstance(default, tuple) else type(default)
        count = len(default) if isinstance(default, tuple) else None
        parser.add_argument(f"--{name}", type=kind, nargs=count, default=default)
    options = parser.parse_args()
    show(measure(**{name: getattr(options, name) for name in defaults}), options)


def show(found: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Print the figures, and how busy the machine was, as JSON or one a line."""
    load = round(os.getloadavg()[0], 1)
    figures = {**found, "processors": PROCESSORS, "load_at_end": load}
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        rows = value if isinstance(value, list) else [value]
        print(f"{name}: " + "\n  ".join(map(str, rows)))


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures to three digits."""
    return {name: float(f"{value:.3g}") for name, value in figures.items()}


def seconds_of(rivals: Mapping[Any, Run], rounds: int, warm_up: bool = True) -> dict[Any, Any]:
    """Seconds of each run, (rounds,), the rivals taking turns so that all meet the same noise.

    Args:
        warm_up: run each once before, untimed, so that it has compiled what it compiles.
    """
    if warm_up:
        for run in rivals.values():
            run()
    taken: dict[Any, list[float]] = {name: [] for name in rivals}
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
