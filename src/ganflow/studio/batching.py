"""Many requests, one forward pass: what waits while the network works is done together next."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

Forward = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
"""Latents (N, latent) and labels (N,) or None to images (N, H, W, C)."""


class OverloadedError(Exception):
    """More is waiting than can be served soon.

    Attributes:
        seconds: when to try again, a whole number.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


@dataclass
class _Job:
    forward: Forward
    latents: np.ndarray
    labels: np.ndarray | None
    result: asyncio.Future[np.ndarray]
    begun: int = 0
    """Rows that passes have taken."""
    made: list[np.ndarray] = field(default_factory=list)

    def take(self, most: int) -> slice:
        """The next rows, `most` at most."""
        rows = slice(self.begun, min(self.begun + most, len(self.latents)))
        self.begun = rows.stop
        return rows

    @property
    def taken(self) -> bool:
        return self.begun == len(self.latents)

    def receive(self, images: np.ndarray) -> None:
        self.made.append(images)
        if sum(map(len, self.made)) == len(self.latents) and not self.result.done():
            self.result.set_result(
                self.made[0] if len(self.made) == 1 else np.concatenate(self.made)
            )


class Batcher:
    """Collects the images that concurrent requests ask for, and makes them together.

    Args:
        most: images in one forward pass.
        backlog: images that may wait; beyond that, requests are turned away.
    """

    def __init__(self, most: int = 250, backlog: int = 4000) -> None:
        self.most, self.backlog = most, backlog
        self.waiting = 0
        self.rate = float(most)
        """Images a second, as lately measured."""
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="generator")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Turn away what waits, and end."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while self._jobs:
            self._jobs.popleft().result.cancel()
        self._thread.shutdown(wait=True)

    async def images(
        self, forward: Forward, latents: np.ndarray, labels: np.ndarray | None
    ) -> np.ndarray:
        """Make images, together with others that ask at the same time.

        A request for more images than wait at most is served when nothing else waits.

        Raises:
            OverloadedError: too much is waiting.
        """
        count = len(latents)
        if self.waiting and self.waiting + count > self.backlog:
            raise OverloadedError(math.ceil(self.waiting / max(self.rate, 1)))
        self.waiting += count
        try:
            result: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
            self._jobs.append(_Job(forward, latents, labels, result))
            self._wake.set()
            return await result
        finally:
            self.waiting -= count

    async def run(self, work: Callable[[], object]) -> None:
        """Do other work with the network, between two forward passes."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while rows := self._next():
                await self._make(rows)

    def _next(self) -> list[tuple[_Job, slice]]:
        """Rows for one pass: those that came first, and whatever else its network is asked for.

        A pass is filled to the last row, so a long request is spread over several.
        """
        chosen: list[tuple[_Job, slice]] = []
        left: deque[_Job] = deque()
        room = self.most
        for job in self._jobs:
            if job.result.done():
                continue
            if room and (not chosen or job.forward == chosen[0][0].forward):
                rows = job.take(room)
                chosen.append((job, rows))
                room -= rows.stop - rows.start
            if not job.taken:
                left.append(job)
        self._jobs = left
        return chosen

    async def _make(self, rows: list[tuple[_Job, slice]]) -> None:
        latents = np.concatenate([job.latents[taken] for job, taken in rows])
        kinds = [job.labels[taken] for job, taken in rows if job.labels is not None]
        started = time.monotonic()
        try:
            made = await asyncio.get_running_loop().run_in_executor(
                self._thread, rows[0][0].forward, latents, np.concatenate(kinds) if kinds else None
            )
        except Exception as error:
            for job, _ in rows:
                if not job.result.done():
                    job.result.set_exception(error)
            return
        seconds = max(time.monotonic() - started, 1e-6)
        self.rate = 0.8 * self.rate + 0.2 * len(latents) / seconds
        start = 0
        for job, taken in rows:
            count = taken.stop - taken.start
            job.receive(made[start : start + count])
            start += count
