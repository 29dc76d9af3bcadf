"""Many requests, one forward pass: what waits while the network works is done together next."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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
            parts = []
            for start in range(0, count, self.most):
                rows = slice(start, start + self.most)
                result = asyncio.get_running_loop().create_future()
                kinds = None if labels is None else labels[rows]
                self._jobs.append(_Job(forward, latents[rows], kinds, result))
                parts.append(result)
            self._wake.set()
            made = await asyncio.gather(*parts)
        finally:
            self.waiting -= count
        return made[0] if len(made) == 1 else np.concatenate(made)

    async def run(self, work: Callable[[], object]) -> None:
        """Do other work with the network, between two forward passes."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while jobs := self._next():
                await self._make(jobs)

    def _next(self) -> list[_Job]:
        """The oldest job, and all others for the same network that still fit beside it."""
        chosen: list[_Job] = []
        left: deque[_Job] = deque()
        count = 0
        while self._jobs:
            job = self._jobs.popleft()
            if job.result.done():
                continue
            fits = not chosen or (
                job.forward == chosen[0].forward and count + len(job.latents) <= self.most
            )
            if fits:
                chosen.append(job)
                count += len(job.latents)
            else:
                left.append(job)
        self._jobs = left
        return chosen

    async def _make(self, jobs: list[_Job]) -> None:
        latents = np.concatenate([job.latents for job in jobs])
        kinds = [job.labels for job in jobs if job.labels is not None]
        labels = np.concatenate(kinds) if kinds else None
        started = time.monotonic()
        try:
            made = await asyncio.get_running_loop().run_in_executor(
                self._thread, jobs[0].forward, latents, labels
            )
        except Exception as error:
            for job in jobs:
                if not job.result.done():
                    job.result.set_exception(error)
            return
        seconds = max(time.monotonic() - started, 1e-6)
        self.rate = 0.8 * self.rate + 0.2 * len(latents) / seconds
        start = 0
        for job in jobs:
            if not job.result.done():
                job.result.set_result(made[start : start + len(job.latents)])
            start += len(job.latents)
