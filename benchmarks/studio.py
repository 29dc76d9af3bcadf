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
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import options_of, rounded, show
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


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    retry_after: bool = False


class Client:
    """One kept-alive HTTP/1.1 connection, with as little work of its own as possible."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> Answer:
        started = time.perf_counter()
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        reader, writer = self.streams
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        if b"connection: close" in head:
            await self.close()
        status = int(head[9:12])
        return Answer(status, time.perf_counter() - started, b"retry-after:" in head)

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


@contextmanager
def started(command: list[str], sign: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process, and the line of its output that says it is ready."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = next((line for line in process.stdout if sign in line), "")
            if not line:
                raise SystemExit(f"{command[:3]} ended before it was ready")
            yield process, line
        finally:
            process.terminate()


def bare_rate(process: subprocess.Popen[str], seconds: float) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


async def one_client(port: int) -> list[Answer]:
    body = json.dumps({"count": 1}).encode()
    client = Client(port)
    for _ in range(20):
        await client.post("/api/samples", body)
    return [await client.post("/api/samples", body) for _ in range(SINGLE_REQUESTS)]


async def many_clients(port: int, seconds: float) -> tuple[float, list[Answer]]:
    """Images a second, and the answers, with every client asking again as soon as it is served."""
    until = time.perf_counter() + seconds
    answers: list[Answer] = []

    async def ask(seed: int) -> None:
        client = Client(port)
        body = json.dumps({"count": IMAGES, "format": "npy", "seed": seed}).encode()
        while time.perf_counter() < until:
            answers.append(await client.post("/api/samples", body))

    begun = time.perf_counter()
    await asyncio.gather(*map(ask, range(CLIENTS)))
    spent = time.perf_counter() - begun
    served = sum(answer.status == 200 for answer in answers)
    return served * IMAGES / spent, answers


async def overload(port: int, requests_a_second: float) -> tuple[Counter[str], list[Answer]]:
    """Send on a clock, each request on a connection of its own."""
    body = json.dumps({"count": IMAGES, "format": "npy"}).encode()
    count = int(OVERLOAD_SECONDS * requests_a_second)
    begun = time.perf_counter()
    kinds: Counter[str] = Counter()
    answers: list[Answer] = []

    async def ask(index: int) -> None:
        await asyncio.sleep(max(0.0, begun + index / requests_a_second - time.perf_counter()))
        client = Client(port)
        try:
            answer = await asyncio.wait_for(client.post("/api/samples", body), 60)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            kinds[type(error).__name__] += 1
            return
        finally:
            await client.close()
        answers.append(answer)
        plain_503 = answer.status == 503 and not answer.retry_after
        kinds["503 without Retry-After" if plain_503 else str(answer.status)] += 1

    await asyncio.gather(*(ask(i) for i in range(count)))
    return kinds, answers


def milliseconds(answers: list[Answer], share: float) -> float:
    """How long the given share of the answers took at most."""
    return 1000 * float(np.quantile([answer.seconds for answer in answers], share))


def measure(folder: Path) -> dict[str, Any]:
    serve = (
        "import sys; from pathlib import Path; from ganflow.studio import serve; "
        "serve(port=0, models={'current': Path(sys.argv[1])}, prepared=None)"
    )
    python = [sys.executable, "-c"]
    with (
        started([*python, BARE, str(folder)], "ready") as (bare, _),
        started([*python, serve, str(folder)], "http://") as (studio, line),
    ):
        port = int(line.partition("http://")[2].partition("/")[0].rpartition(":")[2])
        singles = asyncio.run(one_client(port))
        asyncio.run(many_clients(port, 1.0))
        rates, busy = [], []
        for _ in range(ROUNDS):
            alone = bare_rate(bare, ROUND_SECONDS)
            served, answers = asyncio.run(many_clients(port, ROUND_SECONDS))
            rates.append((alone, served))
            busy.extend(answers)
        sustained = statistics.median(served for _, served in rates)
        kinds, overrun = asyncio.run(overload(port, OVERLOAD * sustained / IMAGES))
        after = asyncio.run(one_client(port))
        alive = studio.poll() is None and all(answer.status == 200 for answer in after)
    figures = {
        "throughput_vs_bare_model": statistics.median(served / alone for alone, served in rates),
        "p99_ms_1_client": milliseconds(singles, 0.99),
        "errors_under_overload": sum(n for k, n in kinds.items() if k not in ("200", "503")),
        "images_per_second_bare": statistics.median(alone for alone, _ in rates),
        "images_per_second_32_clients": sustained,
        "median_ms_1_client": milliseconds(singles, 0.5),
        "median_ms_32_clients": milliseconds(busy, 0.5),
        "p99_ms_32_clients": milliseconds(busy, 0.99),
        "overload_p99_ms": milliseconds(overrun, 0.99),
    }
    return {
        **rounded(figures),
        "overload_answers": dict(kinds),
        "alive_after_overload": alive,
        "rounds": [rounded({"bare": alone, "served": served}) for alone, served in rates],
    }


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--model", type=Path, default=MODEL, help="a folder as train writes it")
    options = parser.parse_args()
    show(measure(options.model), options)


if __name__ == "__main__":
    main()
