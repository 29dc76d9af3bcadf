"""Requests that come together are made together; each gets its own images; none waits for ever."""

import asyncio
import threading

import numpy as np
import pytest

from ganflow.studio.batching import Batcher, OverloadedError


class Gate:
    """A forward pass that can be held, and remembers the sizes it was given."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.sizes: list[int] = []

    def __call__(self, latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        self.open.wait(10)
        self.sizes.append(len(latents))
        shade = latents[:, 0] + (0 if labels is None else labels)
        return shade.astype(np.uint8)[:, None, None, None]


def latents(*values: float) -> np.ndarray:
    return np.array([[value, 0] for value in values], np.float32)


def serve(scenario: object, **options: int) -> None:
    async def run() -> None:
        batcher = Batcher(**options)
        try:
            await asyncio.wait_for(scenario(batcher), 20)
        finally:
            await batcher.stop()

    asyncio.run(run())


def test_what_waits_is_made_in_one_pass_and_goes_to_whom_it_belongs() -> None:
    forward = Gate()

    async def scenario(batcher: Batcher) -> None:
        forward.open.clear()
        first = asyncio.create_task(batcher.images(forward, latents(0), None))
        await asyncio.sleep(0.05)
        others = [
            asyncio.create_task(batcher.images(forward, latents(i, i + 100), None))
            for i in range(1, 9)
        ]
        await asyncio.sleep(0.05)
        forward.open.set()
        assert (await first).ravel().tolist() == [0]
        for i, made in enumerate(await asyncio.gather(*others), 1):
            assert made.ravel().tolist() == [i, i + 100]

    serve(scenario)
    assert forward.sizes == [1, 16]


def test_a_full_pass_takes_no_more_requests() -> None:
    forward = Gate()

    async def scenario(batcher: Batcher) -> None:
        forward.open.clear()
        first = asyncio.create_task(batcher.images(forward, latents(0), None))
        await asyncio.sleep(0.05)
        asked = [latents(*range(10 * i, 10 * i + 7)) for i in range(6)]
        others = [asyncio.create_task(batcher.images(forward, each, None)) for each in asked]
        await asyncio.sleep(0.05)
        forward.open.set()
        await first
        for each, made in zip(asked, await asyncio.gather(*others), strict=True):
            assert made.ravel().tolist() == each[:, 0].tolist()

    serve(scenario, most=20)
    assert forward.sizes == [1, 21, 21]


def test_two_models_are_not_mixed() -> None:
    one, other = Gate(), Gate()

    async def scenario(batcher: Batcher) -> None:
        one.open.clear()
        tasks = [
            asyncio.create_task(batcher.images(forward, latents(i), None))
            for i, forward in enumerate([one, other, one, other, one])
        ]
        await asyncio.sleep(0.05)
        one.open.set()
        made = await asyncio.gather(*tasks)
        assert [int(image.item()) for image in made] == [0, 1, 2, 3, 4]

    serve(scenario)
    assert sum(one.sizes) == 3
    assert sum(other.sizes) == 2
    assert len(one.sizes) <= 2


def test_too_much_waiting_is_turned_away_and_the_rest_is_served() -> None:
    forward = Gate()

    async def scenario(batcher: Batcher) -> None:
        forward.open.clear()
        held = [asyncio.create_task(batcher.images(forward, latents(i), None)) for i in range(10)]
        await asyncio.sleep(0.05)
        with pytest.raises(OverloadedError) as refused:
            await batcher.images(forward, latents(99), None)
        assert int(refused.value.headers["Retry-After"]) >= 1
        forward.open.set()
        assert len(await asyncio.gather(*held)) == 10
        assert (await batcher.images(forward, latents(99), None)).item() == 99
        assert batcher.waiting == 0

    serve(scenario, backlog=10)


def test_a_fault_reaches_those_it_concerns_and_the_work_goes_on() -> None:
    def broken(latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        raise ValueError("no memory")

    async def scenario(batcher: Batcher) -> None:
        with pytest.raises(ValueError, match="no memory"):
            await batcher.images(broken, latents(1), None)
        assert (await batcher.images(Gate(), latents(5), None)).item() == 5

    serve(scenario)


def test_who_went_away_is_not_waited_for() -> None:
    forward = Gate()

    async def scenario(batcher: Batcher) -> None:
        forward.open.clear()
        first = asyncio.create_task(batcher.images(forward, latents(0), None))
        await asyncio.sleep(0.05)
        gone = asyncio.create_task(batcher.images(forward, latents(1, 2, 3), None))
        stays = asyncio.create_task(batcher.images(forward, latents(4), None))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0.05)
        forward.open.set()
        assert (await first).item() == 0
        assert (await stays).item() == 4
        assert batcher.waiting == 0

    serve(scenario)
    assert sum(forward.sizes) == 2
