"""What serving costs: the studio against the bare model, alone, busy and overrun.

    python -m benchmarks.studio --json

Method. The bare model makes batches of 250 in a process of its own; the studio runs in another
on loopback with the same threads, and this process is its clients, on the same processors.
Each figure of throughput is the median of several rounds, bare and served in turn, so that what
else the machine does meets both. One client asks for one image at a time, 32 clients for 64
images each (as .npy). For the overload, requests are sent on a clock at four times the rate
that the 32 clients reached, whether or not earlier ones have been answered.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import command, rounded
from ganflow.base.paths import MODEL

CLIENTS, IMAGES = 32, 64
ROUNDS, ROUND_SECONDS = 9, 2.0
SINGLE_REQUESTS = 300
OVERLOAD_SECONDS, OVERLOAD = 6.0, 4

BARE = """
import sys, time, numpy as np
from pathlib import Path
from ganflow.base.runtime import RuntimeParams, configure
configure(RuntimeParams())
from ganflow.gan.saved import load_generator
generator = load_generator(Path(sys.argv[1]))
latents = np.random.default_rng(0).standard_normal((1000, generator.latent), dtype=np.float32)
labels = np.arange(1000) % generator.classes if generator.classes else None
generator.images(latents, labels)
print("ready", flush=True)
for line in sys.stdin:
    until, made, started = float(line), 0, time.monotonic()
    while time.monotonic() - started < until:
        generator.images(latents, labels)
        made += len(latents)
    print(made / (time.monotonic() - started), flush=True)
"""


SERVE = """
import sys
from pathlib import Path
from ganflow.studio import serve
serve(port=0, models={"current": Path(sys.argv[1])}, prepared=None)
"""

Answer = tuple[str, float]
"""The status, with a word where a refusal does not say when to try again; and seconds."""


def measure(model: Path = MODEL) -> dict[str, Any]:
    """All figures, of the model in a folder as `train` writes it."""
    with started(BARE, model, "ready") as (bare, _), started(SERVE, model, "http://") as (_, line):
        port = int(line.partition("http://")[2].partition("/")[0].rpartition(":")[2])
        singles = asyncio.run(one_client(port))
        asyncio.run(many_clients(port, 1.0))
        rounds, busy = [], []
        for _ in range(ROUNDS):
            bare.stdin.write(f"{ROUND_SECONDS}\n")
            bare.stdin.flush()
            alone = float(bare.stdout.readline())
            rate, answers = asyncio.run(many_clients(port, ROUND_SECONDS))
            rounds.append((alone, rate))
            busy.extend(answers)
        alone, served = np.transpose(rounds)
        overrun = asyncio.run(overload(port, OVERLOAD * np.median(served) / IMAGES))
        after = asyncio.run(one_client(port))
    kinds = Counter(kind for kind, _ in overrun)
    figures = {
        "throughput_vs_bare_model": np.median(served / alone),
        "p99_ms_1_client": milliseconds(singles, 0.99),
        "errors_under_overload": sum(n for k, n in kinds.items() if k not in ("200", "503")),
        "images_per_second_bare": np.median(alone),
        "images_per_second_32_clients": np.median(served),
        "p99_ms_32_clients": milliseconds(busy, 0.99),
        "overload_p99_ms": milliseconds(overrun, 0.99),
    }
    return {
        **rounded(figures),
        "overload_answers": dict(kinds),
        "alive_after_overload": {kind for kind, _ in after} == {"200"},
    }


@contextmanager
def started(script: str, model: Path, sign: str) -> Iterator[tuple[Any, str]]:
    """A process that runs a script, and the line of its output that says it is ready."""
    words = [sys.executable, "-c", script, str(model)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process, next(line for line in process.stdout or () if sign in line)
        finally:
            process.terminate()


async def one_client(port: int) -> list[Answer]:
    body = json.dumps({"count": 1}).encode()
    answers = await ask(port, body, lambda given: given < SINGLE_REQUESTS + 20)
    return answers[20:]


async def many_clients(port: int, seconds: float) -> tuple[float, list[Answer]]:
    """Images a second, and the answers, with every client asking again as soon as it is served."""
    begun = time.perf_counter()
    bodies = [
        json.dumps({"count": IMAGES, "format": "npy", "seed": seed}).encode()
        for seed in range(CLIENTS)
    ]
    given = await asyncio.gather(
        *(ask(port, body, lambda _: time.perf_counter() < begun + seconds) for body in bodies)
    )
    spent = time.perf_counter() - begun
    answers = [answer for one in given for answer in one]
    return IMAGES * sum(kind == "200" for kind, _ in answers) / spent, answers


async def overload(port: int, requests_a_second: float) -> list[Answer]:
    """Send on a clock, each request on a connection of its own."""
    body = json.dumps({"count": IMAGES, "format": "npy"}).encode()

    async def ask_at(seconds: float) -> Answer:
        await asyncio.sleep(seconds)
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(60):
                return (await ask(port, body, lambda given: not given))[0]
        except (OSError, EOFError, ValueError) as error:
            return type(error).__name__, time.perf_counter() - begun

    moments = np.arange(0, OVERLOAD_SECONDS, 1 / requests_a_second)
    return await asyncio.gather(*map(ask_at, moments.tolist()))


async def ask(port: int, body: bytes, more: Callable[[int], bool]) -> list[Answer]:
    """Requests for samples on one HTTP/1.1 connection, with as little work as possible.

    Args:
        more: whether to ask again after so many answers.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    head = b"POST /api/samples HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    answers: list[Answer] = []
    try:
        while more(len(answers)):
            begun = time.perf_counter()
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            said = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(said.partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            abrupt = said[9:12] == b"503" and b"retry-after:" not in said
            kind = said[9:12].decode() + " without Retry-After" * abrupt
            answers.append((kind, time.perf_counter() - begun))
    finally:
        writer.close()
    return answers


def milliseconds(answers: list[Answer], share: float) -> float:
    """How long the given share of the answers took at most."""
    return 1000 * float(np.quantile([seconds for _, seconds in answers], share))


if __name__ == "__main__":
    command(measure, __doc__)
