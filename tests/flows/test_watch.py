"""New images are reported once, and only where the trigger says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State

from ganflow.base.errors import GanflowError
from ganflow.incoming.drift import Drift, Levels
from ganflow.incoming.permutation import PermutationTest
from ganflow.orchestration.flows import watch as module
from ganflow.orchestration.flows.watch import watch
from tests.flows.conftest import Server

Here = Callable[[Path], None]
DAY = 86400.0


def test_new_images_count_once(shared: Path, here: Here, server: Server, tmp_path: Path) -> None:
    here(shared)
    arrivals = tmp_path / "arrivals"
    arrivals.mkdir()
    (arrivals / "1.png").write_text("1")

    def look() -> str:
        return str(watch(incoming=str(arrivals), enough=2, return_state=True).name)

    assert look() == "Unchanged", "the first check has nothing to compare with"
    (arrivals / "2.png").write_text("2")
    assert look() == "Unchanged", "one of two"
    (arrivals / "3.png").write_text("3")
    assert look() == "Changed"
    assert look() == "Unchanged", "reported once"
    (arrivals / "1.png").unlink()
    assert look() == "Unchanged", "a removed file is not new"


class Looks:
    """A folder that is watched, with looks that find what the test says."""

    def __init__(self, project: Path, arrivals: Path) -> None:
        self.project, self.arrivals = project, arrivals
        self.levels: list[Levels] = []
        self.time, self.drifts = 0.0, False

    def look_in_child(self, *given: Any) -> Drift:
        levels = given[3]
        self.levels.append(levels)
        p = levels.drift / 2 if self.drifts else 0.4
        test = PermutationTest(0.5, 0.1, p, levels.drift / 2)
        return Drift(len(given[2]), len(given[2]), 0.0, 0.0, {}, test if levels.drift else None)

    def arrive(self, count: int) -> None:
        start = len(list(self.arrivals.iterdir()))
        for number in range(start, start + count):
            (self.arrivals / f"{number}.png").write_text(str(number))

    def check(self, seconds: float = 600, **trigger: Any) -> State[Any]:
        self.time += seconds
        return watch(incoming=str(self.arrivals), trigger=trigger, return_state=True)


@pytest.fixture
def looks(shared: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    here(shared)
    (tmp_path / "arrivals").mkdir()
    looks = Looks(shared, tmp_path / "arrivals")
    monkeypatch.setattr(module, "look_in_child", looks.look_in_child)
    monkeypatch.setattr(module, "now_seconds", lambda: looks.time)
    monkeypatch.setattr(module, "not_measurable", lambda project: "")
    return looks


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The payloads of the events that `watch` sends."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "emit_event", lambda *_, **event: sent.append(event["payload"]))
    return sent


def test_a_drift_starts_a_retraining_and_the_event_says_so_with_the_numbers(
    looks: Looks, events: list[dict[str, Any]]
) -> None:
    looks.check(drift=True)
    looks.arrive(60)
    quiet = looks.check(DAY, drift=True)
    assert quiet.name == "Unchanged"
    assert "60 new files; 60 of 60 images can be used" in str(quiet.message)
    assert "features p = 0.4 at level 0.00068" in str(quiet.message)
    looks.check(DAY, drift=True)
    assert len(looks.levels) == 1, "nothing new has arrived, so there is no look"
    looks.arrive(1)
    looks.drifts = True
    found = looks.check(DAY, drift=True)
    assert found.name == "Changed"
    assert str(found.message).startswith(
        "drift: features differ from those of held-out real images"
    )
    assert "kernel distance 0.5" in str(found.message)
    (event,) = events
    assert event["cause"] == found.message
    assert event["incoming"] == str(looks.arrivals)
    assert event["measured"]["features"]["value"] == 0.5
    json.dumps(event)
    assert looks.levels[1].drift == pytest.approx(2 * looks.levels[0].drift), (
        "two days have accrued"
    )
    looks.arrive(60)
    looks.check(DAY, drift=True)
    assert looks.levels[2].drift == pytest.approx(looks.levels[0].drift), "spent by the alarm"


def test_few_images_are_not_tested_and_their_level_accrues(looks: Looks) -> None:
    looks.check(drift=True)
    looks.arrive(10)
    assert looks.check(DAY, drift=True).name == "Unchanged"
    assert looks.levels == []
    looks.check(DAY, drift=True, new_class=True)
    assert looks.levels == [Levels()], "new classes can be seen in few"
    looks.check(DAY, drift=True, new_class=True)
    assert len(looks.levels) == 1
    looks.arrive(40)
    looks.check(DAY, drift=True)
    assert looks.levels[1].drift == pytest.approx(0.5 * (4 * DAY) / (365.25 * DAY))


def test_an_age_starts_one_only_where_something_is_new(
    looks: Looks, events: list[dict[str, Any]]
) -> None:
    looks.check(age="2 days")
    assert looks.check(3 * DAY, age="2 days").name == "Unchanged"
    looks.arrive(1)
    found = looks.check(DAY, age="2 days")
    assert found.message == "age: 4.0 days since the last retraining, of 2 days"
    looks.arrive(1)
    assert looks.check(DAY, age="2 days").name == "Unchanged"
    assert len(events) == 1


def test_without_an_extractor_files_are_counted_and_that_is_said(
    looks: Looks, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    why = "there is no data/extractor (dvc pull, or dvc repro extractor)"
    monkeypatch.setattr(module, "not_measurable", lambda project: why)
    looks.check(drift=True)
    looks.arrive(60)
    quiet = looks.check(DAY, drift=True)
    assert quiet.message == f"60 new files of 100; they are only counted, because {why}"
    assert looks.check(DAY, drift=True, images=60).message == (
        f"images: 60 new files of 60 (only counted, because {why})"
    )
    assert looks.levels == []
    assert len(events) == 1


def test_a_wrong_trigger_is_refused_with_what_would_be_right(looks: Looks) -> None:
    with pytest.raises(GanflowError, match="Did you mean drift"):
        looks.check(drit=True).result()
