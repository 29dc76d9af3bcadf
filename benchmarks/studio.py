"""What serving costs: the studio against the bare model, alone, busy and overrun.

    python -m benchmarks.studio --json

Method. The bare model makes batches of 250 in a process of its own; the studio runs in another
on loopback with the same threads, and this process is its clients, on the same processors.
Each figure of throughput is the median of several rounds, bare and served in turn, so that what
else the machine does meets both; the processor time of an image is measured beside it, which a
busy machine changes less. One client asks for one image at a time, 32 clients for 64
images each (as .npy). For the overload, requests are sent on a clock at four times the rate
that the 32 clients reached, whether or not earlier ones have been answered.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

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


@asynccontextmanager
async def clients(port: int, count: int) -> AsyncIterator[list[Client]]:
    made = [Client(port) for _ in range(count)]
    try:
        yield made
    finally:
        for client in made:
            await client.close()


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
    async with clients(port, 1) as (client,):
        for _ in range(20):
            await client.post("/api/samples", body)
        return [await client.post("/api/samples", body) for _ in range(SINGLE_REQUESTS)]


async def many_clients(port: int, seconds: float) -> tuple[float, list[Answer]]:
    """Images a second, and the answers, with every client asking again as soon as it is served."""
    until = time.perf_counter() + seconds
    answers: list[Answer] = []

    async def ask(client: Client, seed: int) -> None:
        body = json.dumps({"count": IMAGES, "format": "npy", "seed": seed}).encode()
        while time.perf_counter() < until:
            answers.append(await client.post("/api/samples", body))

    async with clients(port, CLIENTS) as all_of_them:
        begun = time.perf_counter()
        await asyncio.gather(*(ask(client, i) for i, client in enumerate(all_of_them)))
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


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """Processor time that a process has used, on Linux; elsewhere not a number."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(answers: list[Answer], share: float) -> float:
    """In milliseconds."""
    times = sorted(answer.seconds for answer in answers)
    return 1000 * times[min(len(times) - 1, int(share * len(times)))]


def measure(folder: Path) -> dict[str, object]:
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
        _wait_for(port)
        singles = asyncio.run(one_client(port))
        rates: list[tuple[float, float]] = []
        costs: list[tuple[float, float]] = []
        busy: list[Answer] = []
        asyncio.run(many_clients(port, 1.0))
        for _ in range(ROUNDS):
            before = cpu_seconds(bare), cpu_seconds(studio)
            begun = time.monotonic()
            alone = bare_rate(bare, ROUND_SECONDS)
            made = alone * (time.monotonic() - begun)
            served, answers = asyncio.run(many_clients(port, ROUND_SECONDS))
            rates.append((alone, served))
            costs.append(
                (
                    (cpu_seconds(bare) - before[0]) / made,
                    (cpu_seconds(studio) - before[1]) / (len(answers) * IMAGES),
                )
            )
            busy.extend(answers)
        sustained = statistics.median(served for _, served in rates)
        kinds, overrun = asyncio.run(overload(port, OVERLOAD * sustained / IMAGES))
        after = asyncio.run(one_client(port))
        return {
            "throughput_vs_bare_model": _rounded(
                statistics.median(served / alone for alone, served in rates)
            ),
            "p99_ms_1_client": _rounded(percentile(singles, 0.99)),
            "errors_under_overload": sum(n for k, n in kinds.items() if k not in ("200", "503")),
            "processor_time_vs_bare_model": _rounded(
                statistics.median(served / alone for alone, served in costs)
            ),
            "images_per_second_bare": _rounded(statistics.median(alone for alone, _ in rates)),
            "images_per_second_32_clients": _rounded(sustained),
            "median_ms_1_client": _rounded(percentile(singles, 0.5)),
            "median_ms_32_clients": _rounded(percentile(busy, 0.5)),
            "p99_ms_32_clients": _rounded(percentile(busy, 0.99)),
            "overload": {
                "times_sustainable": OVERLOAD,
                "answers": dict(sorted(kinds.items())),
                "p99_ms": _rounded(percentile(overrun, 0.99)),
                "alive_afterwards": studio.poll() is None
                and all(answer.status == 200 for answer in after),
            },
            "rounds": [{"bare": _rounded(a), "served": _rounded(s)} for a, s in rates],
        }


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _wait_for(port: int, seconds: float = 120) -> None:
    async def answers() -> bool:
        try:
            answer = await Client(port).post("/api/samples", b'{"count": 1}')
        except OSError:
            return False
        return answer.status == 200

    until = time.monotonic() + seconds
    while not asyncio.run(answers()):
        if time.monotonic() > until:
            raise SystemExit("the studio did not answer in time: is there a model in data/model?")
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--model", type=Path, default=MODEL, help="a folder as train writes it")
    arguments = parser.parse_args()
    figures = measure(arguments.model)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
