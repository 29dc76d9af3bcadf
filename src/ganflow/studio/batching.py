"""Many requests, one forward pass: what arrives during a pass is made together in the next."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from starlette.exceptions import HTTPException

Forward = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
"""Latents (N, latent) and labels (N,) or None to images (N, H, W, C)."""


class OverloadedError(HTTPException):
    """More is waiting than can be served soon; answered with 503 and Retry-After.

    Args:
        seconds: when to try again, a whole number.
    """

    def __init__(self, seconds: int) -> None:
        sentence = f"more is asked for than can be made; try again in {seconds} s"
        super().__init__(503, sentence, {"Retry-After": str(seconds)})


@dataclass(frozen=True)
class _Job:
    forward: Forward
    latents: np.ndarray
    labels: np.ndarray | None
    result: asyncio.Future[np.ndarray]


class Batcher:
    """Collects the images that concurrent requests ask for, and makes them together.

    Args:
        most: no request joins a forward pass of this many images or more.
        backlog: images that may wait; beyond that, requests are refused.
    """

    def __init__(self, most: int = 250, backlog: int = 4000) -> None:
        self.most, self.backlog = most, backlog
        self.waiting = 0
        self.rate = float(most)
        """Images per second, as recently measured."""
        self._jobs: list[_Job] = []
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="generator")
        """Where everything that uses a generator runs."""
        self._passes: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Cancel the requests that wait, and end."""
        for job in self._jobs:
            job.result.cancel()
        if self._passes:
            await self._passes
        self.thread.shutdown()

    async def images(
        self, forward: Forward, latents: np.ndarray, labels: np.ndarray | None
    ) -> np.ndarray:
        """Make images, together with others that are asked for at the same time.

        A request for more images than may wait is served when nothing else waits.

        Raises:
            OverloadedError: too much is waiting.
        """
        count = len(latents)
        if self.waiting and self.waiting + count > self.backlog:
            raise OverloadedError(math.ceil(self.waiting / max(self.rate, 1)))
        result: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        self._jobs.append(_Job(forward, latents, labels, result))
        if self._passes is None or self._passes.done():
            self._passes = asyncio.create_task(self._run_passes())
        self.waiting += count
        try:
            return await result
        finally:
            self.waiting -= count

    async def _run_passes(self) -> None:
        """Make what waits, one pass after another, until nothing does."""
        while self._jobs:
            chosen = self._next()
            try:
                await self._make(chosen)
            except Exception as error:
                for job in chosen:
                    if not job.result.done():
                        job.result.set_exception(error)
            self._jobs = [job for job in self._jobs if not job.result.done()]

    def _next(self) -> list[_Job]:
        """The jobs of one pass: the first, and later ones with the same generator."""
        chosen: list[_Job] = []
        count = 0
        for job in self._jobs:
            if count < self.most and job.forward == self._jobs[0].forward:
                chosen.append(job)
                count += len(job.latents)
        return chosen

    async def _make(self, chosen: list[_Job]) -> None:
        latents = np.concatenate([job.latents for job in chosen])
        labels = [job.labels for job in chosen if job.labels is not None]
        started = time.monotonic()
        images = await asyncio.get_running_loop().run_in_executor(
            self.thread, chosen[0].forward, latents, np.concatenate(labels) if labels else None
        )
        seconds = max(time.monotonic() - started, 1e-6)
        self.rate = 0.8 * self.rate + 0.2 * len(latents) / seconds
        ends = np.cumsum([len(job.latents) for job in chosen])
        for job, made in zip(chosen, np.split(images, ends[:-1]), strict=True):
            if not job.result.done():
                job.result.set_result(made)
