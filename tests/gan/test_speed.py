"""How fast a machine trains: the arithmetic, with a clock of the tests' own."""

from collections.abc import Callable

import pytest

from ganflow.config.params import check
from ganflow.gan import speed
from ganflow.gan.speed import Pace, Speed, pace
from tests.base.test_progress import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(speed, "time", found)
    return found


def work(clock: Clock, start: float, item: float) -> Callable[[int], None]:
    """Work that takes `item` seconds for each item, and `start` the first time."""
    calls = 0

    def run(items: int) -> None:
        nonlocal calls
        clock.now += items * item + (start if calls == 0 else 0.0)
        calls += 1

    return run


@pytest.mark.parametrize("item", [0.001, 0.1, 5.0])
def test_what_compiling_and_an_item_take(clock: Clock, item: float) -> None:
    found = pace(work(clock, 3.0, item), 1, 4)
    assert found.start == pytest.approx(3.0)
    assert found.item == pytest.approx(item)


def test_a_first_call_that_is_the_faster_one_costs_nothing(clock: Clock) -> None:
    assert pace(work(clock, -0.5, 1.0), 1, 4) == Pace(0.0, 1.0)


def test_images_fill_the_seconds_in_whole_batches() -> None:
    train = check({"data": {"source": "mnist"}}).train.model_copy(
        update={"batch": 64, "snapshots": 5, "images": 6400}
    )
    found = Speed(start=10.0, image=0.01, snapshot=2.0)
    assert found.besides(train) == 20.0
    assert found.seconds(train) == 84.0
    assert found.images(84.0, train) == 6400
    assert found.images(84.5, train) == 6400  # half a batch more is none
    assert found.images(10.0, train) < 0
    assert found.least(train) == pytest.approx(20.64)
    small = train.model_copy(update={"batch": 8})
    assert found.least(small) == pytest.approx(20.64)  # train.images allows no fewer
